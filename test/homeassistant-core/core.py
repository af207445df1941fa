"""Home Assistant's core without a browser, with its MQTT integration, for tests.

Usage: core.py PORT FOLDER LOGIN     (a broker at 127.0.0.1:PORT; a folder of its own, which is made; {"username": …, "password": …} or {})

Prints {"ready": true} once it runs. Every line on standard input is answered by one line of JSON: `states` by the entities and devices
that it knows, `automation` and a JSON text by setting that automation up, `notices` by its notifications. The end of standard input ends
it. For Python 3.11 and homeassistant 2024.3.3, the last that runs on it.
"""

import asyncio
import json
import logging
import pathlib
import sys

from homeassistant import auth, bootstrap, config_entries, core, loader
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

NOTICES = "persistent_notification"


def write_settings(folder: pathlib.Path, port: int, login: dict) -> None:
    """Writes what the user interface would: one entry for the MQTT integration."""
    storage = folder / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    (folder / "configuration.yaml").write_text("homeassistant: { name: test, unit_system: metric, time_zone: UTC }\n")
    entry = {
        "entry_id": "1" * 32, "version": 1, "minor_version": 1, "domain": "mqtt", "title": "broker", "source": "user", "options": {},
        "unique_id": None, "disabled_by": None, "pref_disable_new_entities": False, "pref_disable_polling": False,
        "data": {"broker": "127.0.0.1", "port": port, "discovery": True, **login},
    }
    content = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
    (storage / "core.config_entries").write_text(json.dumps(content))


async def start(folder: pathlib.Path) -> core.HomeAssistant:
    hass = core.HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.config.skip_pip = True
    hass.auth = await auth.auth_manager_from_config(hass, [{"type": "homeassistant"}], [])
    for name in (NOTICES, "mqtt"):
        if not await async_setup_component(hass, name, {}):
            sys.exit(f"Home Assistant cannot set up {name}")
    await hass.async_start()
    return hass


def states(hass: core.HomeAssistant) -> dict:
    entities = entity_registry.async_get(hass)
    devices = device_registry.async_get(hass)
    known = []
    for state in hass.states.async_all():
        entry = entities.async_get(state.entity_id)
        if entry is None or entry.platform != "mqtt":
            continue
        device = devices.async_get(entry.device_id)
        known.append({
            "id": state.entity_id, "unique": entry.unique_id, "device": device.name, "state": state.state,
            "attributes": dict(state.attributes),
        })
    names = {device.id: device.name for device in devices.devices.values()}
    return {
        "entities": sorted(known, key=lambda entity: entity["id"]),
        "devices": {device.name: names.get(device.via_device_id) for device in devices.devices.values()},
    }


async def answer(hass: core.HomeAssistant, line: str):
    command, _, text = line.partition(" ")
    if command == "states":
        await hass.async_block_till_done()
        return states(hass)
    if command == "automation":
        return {"ok": await async_setup_component(hass, "automation", {"automation": json.loads(text)})}
    if command == "notices":
        return [notice["message"] for notice in hass.data.get(NOTICES, {}).values()]
    return {"error": f"unknown command {command}"}


async def main() -> None:
    folder = pathlib.Path(sys.argv[2])
    write_settings(folder, int(sys.argv[1]), json.loads(sys.argv[3]))
    hass = await start(folder)
    print(json.dumps({"ready": True}), flush=True)
    lines = asyncio.StreamReader()
    await hass.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode():
        print(json.dumps(await answer(hass, line.strip()), default=str), flush=True)
    await hass.async_stop(force=True)


logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
asyncio.run(main())
