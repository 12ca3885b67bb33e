import { parsePeerUrl } from "../peer/peer-url.js";
import { ETCD_ERRORS, etcdError } from "../store/etcd-errors.js";

/**
 * Peer URLs as they go into the membership: trimmed and sorted, each http://host:port without
 * a path (etcd `client/pkg/types/urls.go`, NewURLs; members of ours speak no TLS and use no
 * unix sockets). Throws "etcdserver: given member URLs are invalid".
 */
export function checkPeerUrls(urls: readonly string[]): string[] {
  const trimmed = urls.map((url) => url.trim());
  if (trimmed.length === 0 || trimmed.some((url) => parsePeerUrl(url) === undefined)) {
    throw etcdError(ETCD_ERRORS.memberBadUrls);
  }
  return trimmed.sort();
}
