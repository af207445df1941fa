import { describe, expect, it } from "vitest";
import { aclLines, mosquittoLines } from "../../../tools/doctor/mosquitto.ts";

/** The lines that Mosquitto reads. */
const effective = (lines: readonly string[]) => lines.filter((line) => line !== "" && !line.startsWith("#"));

describe("mosquittoLines", () => {
  it.each([
    ["mqtt://plant", "listener 1883"],
    ["mqtts://plant", "listener 8883"],
    ["mqtt://plant:1884", "listener 1884"],
    ["mqtts://plant:8884", "listener 8884"],
    ["mqtt://localhost", "listener 1883 127.0.0.1"],
    ["mqtt://127.0.0.1:1885", "listener 1885 127.0.0.1"],
    ["mqtt://[::1]", "listener 1883 127.0.0.1"],
  ])("listens for %s by %s", (url, line) => {
    expect(effective(mosquittoLines(url))[0]).toBe(line);
  });

  it("lets nobody in without a name, and loses nothing that it need not", () => {
    expect(effective(mosquittoLines("mqtt://plant"))).toEqual([
      "listener 1883",
      "allow_anonymous false",
      "password_file /etc/mosquitto/passwd",
      "acl_file /etc/mosquitto/acl",
      "persistence true",
      "persistence_location /var/lib/mosquitto/",
      "autosave_interval 30",
      "max_queued_messages 100000",
      "set_tcp_nodelay true",
    ]);
  });

  it("names certificates with TLS only", () => {
    expect(effective(mosquittoLines("mqtts://plant")).slice(1, 3)).toEqual([
      "certfile /etc/mosquitto/certs/server.pem",
      "keyfile /etc/mosquitto/certs/server.key",
    ]);
  });
});

describe("aclLines", () => {
  it("is for a user where the configuration has one, else for everyone, which it says", () => {
    const plan = { baseTopic: "base", streams: [] };
    expect(effective(aclLines(plan, "host"))).toEqual([
      "user host",
      "topic readwrite base/#",
      "topic read $SYS/broker/version",
    ]);
    const open = aclLines(plan, undefined);
    expect(effective(open)).toEqual(["topic readwrite base/#", "topic read $SYS/broker/version"]);
    expect(open).toContain("# Without a user in the configuration these are for everyone.");
  });
});
