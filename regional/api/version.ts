/**
 * The version of etcd whose API this is, as Maintenance.Status says it. Clients choose by
 * it: Kubernetes reads consistent lists from its watch cache where progress requests are
 * reliable, which it takes to be 3.4.31 and up, and 3.5.13 and up. The protos are 3.6's.
 */
export const ETCD_API_VERSION = "3.6.0";
