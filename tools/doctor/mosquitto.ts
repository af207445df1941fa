// Lines for Mosquitto, made from a configuration.

import { readFilters, type TopicPlan } from "./access.ts";

/** Prints an ACL file: what the host's user reads and writes, and nothing else. */
export function aclLines(plan: TopicPlan, user: string | undefined): string[] {
  const { baseTopic, homeAssistant, asks = [] } = plan;
  const reads = new Set(
    readFilters(plan)
      .map(({ filter }) => filter)
      .filter((filter) => !filter.startsWith(`${baseTopic}/`)),
  );
  return [
    "# acl_file of mosquitto.conf: what rivulet reads and writes. Other users need lines of their own.",
    ...(user === undefined ? ["# Without a user in the configuration these are for everyone."] : [`user ${user}`]),
    ...[...reads].map((filter) => `topic read ${filter}`),
    `topic readwrite ${baseTopic}/#`,
    ...asks.map((topic) => `topic write ${topic}`),
    ...(homeAssistant === undefined ? [] : [`topic readwrite ${homeAssistant.prefix}/#`]),
    "# The name of the broker, for rivulet doctor:",
    "topic read $SYS/broker/version",
  ];
}

/** Prints a mosquitto.conf with which no reading is lost. */
export function mosquittoLines(url: string): string[] {
  const { protocol, port, hostname } = new URL(url);
  const isTls = protocol === "mqtts:";
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return [
    "# /etc/mosquitto/conf.d/rivulet.conf",
    `listener ${port || (isTls ? 8883 : 1883)}${isLocal ? " 127.0.0.1" : ""}`,
    ...(isLocal ? ["# 127.0.0.1: this machine only; leave it out where sensors come over the network."] : []),
    ...(isTls ? ["certfile /etc/mosquitto/certs/server.pem", "keyfile /etc/mosquitto/certs/server.key"] : []),
    "",
    "# Nobody without a name: mosquitto_passwd -c /etc/mosquitto/passwd rivulet",
    "allow_anonymous false",
    "password_file /etc/mosquitto/passwd",
    "# rivulet doctor CONFIG --acl writes it:",
    "acl_file /etc/mosquitto/acl",
    "",
    "# Sessions and what waits in them survive a restart; a crash loses what came in the last 30 seconds.",
    "# autosave_interval 1 with autosave_on_changes true loses nothing, and writes much: not for SD cards.",
    "persistence true",
    "persistence_location /var/lib/mosquitto/",
    "autosave_interval 30",
    "",
    "# By default 1000 messages are kept for a host that is away, and the others are lost without a word.",
    "max_queued_messages 100000",
    "",
    "# Without it small packets wait for up to 40 ms.",
    "set_tcp_nodelay true",
  ];
}
