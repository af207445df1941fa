// Starts Rivulet as an add-on: the login of the broker from the supervisor, a configuration at the first start, and the page for
// Home Assistant alone: the supervisor asks from one address, and no other gets in (developers.home-assistant.io, "Ingress").

import { spawn } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";

const {
  SUPERVISOR = "http://supervisor",
  SUPERVISOR_TOKEN,
  INGRESS_PEER = "172.30.32.2",
  INGRESS_PORT = "8099",
  PAGE_PORT = "8098",
  CONFIG = "/config/rivulet.yaml",
  RIVULET = "/usr/local/lib/node_modules/rivulet/dist/cli.js",
  STATE_DIRECTORY = "/data",
} = process.env;

function fail(text) {
  console.error(`error: ${text}`);
  process.exit(1);
}

async function findBroker() {
  try {
    const headers = { authorization: `Bearer ${SUPERVISOR_TOKEN}` };
    const answer = await fetch(`${SUPERVISOR}/services/mqtt`, { headers });
    const { data, message } = await answer.json();
    if (!answer.ok) return fail(`Home Assistant knows no MQTT broker: ${message ?? answer.status}`);
    return data;
  } catch (error) {
    return fail(`the supervisor does not answer: ${error.cause?.message ?? error.message}`);
  }
}

const { host, port, ssl, username = "", password = "" } = await findBroker();
if (!existsSync(CONFIG)) copyFileSync(fileURLToPath(new URL("rivulet.yaml", import.meta.url)), CONFIG);

const env = {
  ...process.env,
  STATE_DIRECTORY,
  MQTT_URL: `${ssl ? "mqtts" : "mqtt"}://${host}:${port}`,
  MQTT_USER: username,
  MQTT_PASSWORD: password,
};
delete env.SUPERVISOR_TOKEN;
const rivulet = spawn(process.execPath, [RIVULET, "run", CONFIG], { env, stdio: "inherit" });
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => rivulet.kill(signal));
rivulet.on("exit", (code) => process.exit(code ?? 1));

const ingress = createServer((socket) => {
  if (socket.remoteAddress?.replace(/^::ffff:/, "") !== INGRESS_PEER) return socket.destroy();
  const page = connect(Number(PAGE_PORT), "127.0.0.1");
  socket.pipe(page).pipe(socket);
  socket.on("error", () => page.destroy());
  page.on("error", () => socket.destroy());
});
ingress.on("error", (error) => fail(`the page cannot be had: ${error.message}`));
ingress.listen(Number(INGRESS_PORT));
