import { create } from "@bufbuild/protobuf";
import {
  type GatewayName,
  GatewayNameSchema,
  GatewaySchema,
  type Mirror,
  MirrorSchema,
  RegionSchema,
  type RegionsResponse,
  RegionsResponseSchema,
  type Storage,
  StorageSchema,
} from "../../shared/gen/atoll/global/v1/global_pb.js";
import { freshnessMessage } from "./messages.js";
import type {
  MirrorStatus,
  PeerInfo,
  PeerNameStatus,
  StorageStatus,
  ViewSource,
} from "./view-source.js";

/** Tells where each region stands, and the gateways that are known. */
export function regions(source: ViewSource): RegionsResponse {
  const links = source.links();
  const nowMs = source.nowMs();
  const peers = source.peers();
  const names = source.names?.() ?? [];
  const response = create(RegionsResponseSchema, {
    region: source.region,
    gateway: source.gateway,
    regions: source.view.regions(links).map((region) =>
      create(RegionSchema, {
        freshness: freshnessMessage(source.view.regionReading(region, links, nowMs)),
        gateways: peers.filter((peer) => peer.region === region).map(gatewayMessage),
        gatewayNames: names.filter((name) => name.region === region).map(nameMessage),
        summaries: liveSections(source, region),
      }),
    ),
  });
  const mirror = source.mirror?.();
  if (mirror !== undefined) response.mirror = mirrorMessage(mirror);
  const storage = source.storage?.();
  if (storage !== undefined) response.storage = storageMessage(storage);
  return response;
}

function mirrorMessage({ address, isConnected, units, lagMs, error }: MirrorStatus): Mirror {
  return create(MirrorSchema, {
    address,
    connected: isConnected,
    units: BigInt(units),
    lagMs,
    error,
  });
}

function storageMessage(status: StorageStatus): Storage {
  const { path, error, savedAgoMs, bytes, restored, dropped } = status;
  return create(StorageSchema, {
    path,
    error,
    bytes: BigInt(bytes),
    restoredSections: BigInt(restored),
    dropped: BigInt(dropped),
    ...(savedAgoMs === undefined ? {} : { savedAgoMs }),
  });
}

function gatewayMessage(peer: PeerInfo): ReturnType<typeof create<typeof GatewaySchema>> {
  const message = create(GatewaySchema, {
    name: peer.gateway,
    address: peer.address,
    state: peer.state,
  });
  if (peer.rttMs !== undefined) message.rttMs = peer.rttMs;
  return message;
}

function nameMessage({ text, addresses, answerAgeMs, error }: PeerNameStatus): GatewayName {
  const message = create(GatewayNameSchema, { name: text, addresses: [...addresses], error });
  if (answerAgeMs !== undefined) message.answerAgeMs = answerAgeMs;
  return message;
}

function liveSections(source: ViewSource, region: string): number {
  let live = 0;
  for (const section of source.view.state.region(region)?.sections() ?? []) {
    if (!section.schema.retired) live++;
  }
  return live;
}
