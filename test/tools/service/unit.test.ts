import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatUnit, type UnitOptions } from "../../../tools/service/unit.ts";
import { cli } from "../../support/cli.ts";
import { needs } from "../../support/needs.ts";

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

const OPTIONS: UnitOptions = {
  name: "rivulet",
  node: process.execPath,
  cli: "/usr/lib/node_modules/rivulet/dist/cli.js",
  config: "/etc/rivulet/rivulet.yaml",
  credentials: ["mqtt-password"],
  credentialFolder: "/etc/rivulet",
  isInHome: false,
  hasLowPort: false,
  stateDirectory: undefined,
};

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "rivulet-unit-")));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function analyze(unit: string, ...args: readonly string[]) {
  const file = join(folder, "rivulet.service");
  await writeFile(file, unit);
  const { status, stdout, stderr } = spawnSync("systemd-analyze", [...args, file], { encoding: "utf8" });
  return { status, text: stdout + stderr };
}

describe("formatUnit", () => {
  it("starts the program with its configuration and its secrets", () => {
    const lines = formatUnit(OPTIONS).split("\n");
    expect(lines).toContain(
      `ExecStart=${process.execPath} /usr/lib/node_modules/rivulet/dist/cli.js run /etc/rivulet/rivulet.yaml`,
    );
    expect(lines).toContain("LoadCredential=mqtt-password:/etc/rivulet/mqtt-password");
    expect(lines).toContain("StateDirectory=rivulet");
    expect(lines.some((line) => line.startsWith("MemoryDenyWriteExecute"))).toBe(false);
  });

  it("is this, line by line, with what systemd and an administrator rely on", () => {
    const sections = formatUnit({ ...OPTIONS, node: "/usr/bin/node" }).split("\n\n");
    const lines = (section: string | undefined) =>
      section
        ?.trim()
        .split("\n")
        .filter((line) => !line.startsWith("#"));
    expect(sections.length).toBe(5);
    expect(lines(sections[0])).toEqual([
      "[Unit]",
      "Description=Rivulet: predictions and alarms for sensors over MQTT",
      "Wants=network-online.target",
      "After=network-online.target time-sync.target mosquitto.service",
      "StartLimitIntervalSec=0",
    ]);
    expect(lines(sections[1])).toEqual([
      "[Service]",
      "Type=notify",
      "NotifyAccess=all",
      "ExecStart=/usr/bin/node /usr/lib/node_modules/rivulet/dist/cli.js run /etc/rivulet/rivulet.yaml",
      "ExecReload=/bin/kill -HUP $MAINPID",
      "Restart=always",
      "RestartSec=5",
      "TimeoutStartSec=300",
      "TimeoutStopSec=30",
      "WatchdogSec=60",
    ]);
    expect(lines(sections[2])).toEqual([
      "DynamicUser=yes",
      "StateDirectory=rivulet",
      "StateDirectoryMode=0700",
      "WorkingDirectory=%S/rivulet",
      "UMask=0077",
      "LoadCredential=mqtt-password:/etc/rivulet/mqtt-password",
    ]);
    expect(lines(sections[4])).toEqual(["[Install]", "WantedBy=multi-user.target"]);
  });

  it("takes every right that it does not need: what systemd-analyze security asks for", () => {
    const hardening = formatUnit(OPTIONS).split("\n\n")[3]?.split("\n") ?? [];
    const settings = Object.fromEntries(hardening.slice(1).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const isYes = Object.entries(settings).filter(([, value]) => value === "yes");
    expect(isYes.map(([name]) => name)).toEqual([
      ...["LockPersonality", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "PrivateUsers", "ProtectClock"],
      ...["ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules"],
      ...["ProtectKernelTunables", "RemoveIPC", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID"],
    ]);
    expect(settings).toMatchObject({
      DevicePolicy: "closed",
      KeyringMode: "private",
      ProcSubset: "pid",
      ProtectProc: "invisible",
      ProtectSystem: "strict",
      RestrictAddressFamilies: "AF_INET AF_INET6 AF_NETLINK AF_UNIX",
      SystemCallArchitectures: "native",
      SystemCallErrorNumber: "EPERM",
    });
    expect(hardening.filter((line) => line.startsWith("SystemCallFilter"))).toEqual([
      "SystemCallFilter=@system-service @pkey",
      "SystemCallFilter=~@privileged",
    ]);
    expect(formatUnit({ ...OPTIONS, isInHome: true })).toContain("ProtectHome=read-only\n");
  });

  it("quotes what systemd would read otherwise", () => {
    const unit = formatUnit({ ...OPTIONS, cli: "/opt/a b/100%/cli.js", config: '/etc/$HOME/"x"\\y.yaml' });
    expect(unit).toContain(' "/opt/a b/100%%/cli.js" run "/etc/$$HOME/\\"x\\"\\\\y.yaml"\n');
  });

  it("gives the right to a low port only to who needs it", () => {
    expect(formatUnit(OPTIONS)).toContain("CapabilityBoundingSet=\nAmbientCapabilities=\n");
    const low = formatUnit({ ...OPTIONS, hasLowPort: true });
    expect(low).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
    expect(low).toContain("PrivateUsers=no\n");
  });

  it("is without fault for systemd, and exposed less than 2 of 10", needs({ systemd: hasSystemd }), async () => {
    for (const more of [{}, { hasLowPort: true }, { isInHome: true }, { stateDirectory: "/srv/a b" }]) {
      const unit = formatUnit({ ...OPTIONS, ...more });
      const verified = await analyze(unit, "verify", "--man=no", "--recursive-errors=no");
      expect(verified).toEqual({ status: 0, text: "" });
      const security = await analyze(unit, "security", "--offline=true", "--threshold=20");
      expect(security.status, security.text).toBe(0);
    }
    const fault = await analyze(formatUnit(OPTIONS).replace("RestartSec=5", "RestartSec=soon"), "verify", "--man=no");
    expect(fault.text).toContain("Failed to parse sec value, ignoring: soon");
  });
});

describe("rivulet service print", () => {
  const print = async (config: string, ...more: readonly string[]) => {
    const file = join(folder, "rivulet.yaml");
    await writeFile(file, config);
    await chmod(file, 0o644);
    return cli(["service", "print", file, ...more]);
  };

  it("prints a unit, and what to do with it", async () => {
    const { code, stdout, stderr } = await print("broker: { url: mqtt://h, password: '${credential:mqtt}' }\n");
    expect(code).toBe(0);
    expect(stdout).toContain(`LoadCredential=mqtt:${folder}/mqtt\n`);
    expect(stdout).toContain(` run ${folder}/rivulet.yaml\n`);
    expect(stderr).toContain("systemctl daemon-reload && systemctl enable --now rivulet\n");
    expect(stderr).toContain(`the secret mqtt is read from ${folder}/mqtt, by root only\n`);
  });

  it("has a name", async () => {
    const { stdout, stderr } = await print("web: { listen: '127.0.0.1:80' }\n", "--name", "line-2");
    expect(stdout).toContain("StateDirectory=line-2\n");
    expect(stdout).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
    expect(stderr).toContain("/etc/systemd/system/line-2.service");
  });

  it("tells of a state directory that systemd does not make", async () => {
    const { stdout, stderr } = await print("state: { directory: kept }\n");
    expect(stdout).toContain(`ReadWritePaths=${folder}/kept\n`);
    expect(stderr).toContain("better leave out state.directory");
  });

  it("refuses what it cannot read, and a name that is none", async () => {
    expect(await cli(["service", "print", join(folder, "nope.yaml")])).toMatchObject({ code: 1 });
    expect(await print("broker: [")).toMatchObject({ code: 1 });
    expect(await print("broker: {}", "--name", "../x")).toMatchObject({ code: 2 });
  });

  it("tells when others may not read the configuration", async () => {
    await mkdir(join(folder, "private"));
    const file = join(folder, "private", "c.yaml");
    await writeFile(file, "broker: { url: mqtt://h }\n", { mode: 0o600 });
    const { stderr } = await cli(["service", "print", file]);
    expect(stderr).toContain("must be readable by the user that systemd makes");
  });
});
