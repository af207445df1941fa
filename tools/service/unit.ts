// The unit of systemd for `rivulet run`.

/** What a unit is made of; paths are absolute. */
export interface UnitOptions {
  /** Of the service; its state is in `/var/lib/<name>`. */
  readonly name: string;
  readonly node: string;
  readonly cli: string;
  readonly config: string;
  /** Names of the secrets that the configuration asks for. */
  readonly credentials: readonly string[];
  /** Folder of the files of these secrets. */
  readonly credentialFolder: string;
  /** Whether something of it is in a home, which the service must be able to see then. */
  readonly isInHome: boolean;
  /** Whether the page listens on a port below 1024. */
  readonly hasLowPort: boolean;
  /** Where the configuration wants the state; undefined: where systemd says. */
  readonly stateDirectory: string | undefined;
}

/** Writes the unit. */
export function formatUnit(options: UnitOptions): string {
  const { name, node, cli, config, credentials, credentialFolder } = options;
  const loaded = credentials.map((one) => `LoadCredential=${one}:${escaped(`${credentialFolder}/${one}`)}`);
  return `${[
    "[Unit]",
    "Description=Rivulet: predictions and alarms for sensors over MQTT",
    "Wants=network-online.target",
    "After=network-online.target time-sync.target mosquitto.service",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=notify",
    "# systemd-notify, a process of its own, tells that the service is ready and that messages progress.",
    "NotifyAccess=all",
    `ExecStart=${[node, cli, "run", config].map(quote).join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    "Restart=always",
    "RestartSec=5",
    "# A damaged state directory is read as a whole.",
    "TimeoutStartSec=300",
    "TimeoutStopSec=30",
    "WatchdogSec=60",
    "",
    "# A user of its own for as long as it runs.",
    "DynamicUser=yes",
    ...stateLines(options),
    "UMask=0077",
    ...loaded,
    "",
    ...hardening(options),
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ].join("\n")}\n`.replaceAll("@NAME@", name);
}

function stateLines({ stateDirectory }: UnitOptions): string[] {
  const lines = ["StateDirectory=@NAME@", "StateDirectoryMode=0700", "WorkingDirectory=%S/@NAME@"];
  return stateDirectory === undefined ? lines : [...lines, `ReadWritePaths=${quote(stateDirectory)}`];
}

function hardening({ isInHome, hasLowPort }: UnitOptions): string[] {
  const capability = hasLowPort ? "CAP_NET_BIND_SERVICE" : "";
  return [
    "# It needs the network, its state and nothing else. No MemoryDenyWriteExecute: V8 compiles while it runs.",
    `CapabilityBoundingSet=${capability}`,
    `AmbientCapabilities=${capability}`,
    "DevicePolicy=closed",
    "KeyringMode=private",
    "LockPersonality=yes",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    // A process in a user namespace of its own has no right to a low port.
    `PrivateUsers=${hasLowPort ? "no" : "yes"}`,
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    `ProtectHome=${isInHome ? "read-only" : "yes"}`,
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProtectSystem=strict",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "SystemCallFilter=@system-service @pkey",
    "SystemCallFilter=~@privileged",
  ];
}

/** A word of a command line: systemd.service(5), "Command lines". */
function quote(word: string): string {
  const text = escaped(word).replaceAll("\\", "\\\\").replaceAll("$", "$$$$");
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}

/** A percent sign begins a specifier: systemd.unit(5). */
function escaped(text: string): string {
  return text.replaceAll("%", "%%");
}
