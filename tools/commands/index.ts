// The table of commands, in the order in which the help lists them. A subject has a file in table/.

import type { Command } from "commander";
import type { Io } from "../io.ts";
import { addCalibrate, addDetect } from "./table/detectors.ts";
import { addBuild } from "./table/microcontrollers.ts";
import { addConvert, addExport, addInspect, addPredict, addQuantize, addVerify } from "./table/models.ts";
import { addService } from "./table/service.ts";
import { addState } from "./table/state.ts";
import { addCheck, addDemo, addDoctor, addInit, addReplay, addRun, addWatch } from "./table/streams.ts";
import { addTrain } from "./table/training.ts";

/** Adds every command to `program`. */
export function addCommands(program: Command, io: Io): void {
  addDemo(program, io);
  addInit(program, io);
  addRun(program, io);
  addCheck(program, io);
  addDoctor(program, io);
  addWatch(program, io);
  addTrain(program, io);
  addPredict(program, io);
  addInspect(program, io);
  addConvert(program, io);
  addQuantize(program, io);
  addVerify(program, io);
  addExport(program, io);
  addBuild(program, io);
  addCalibrate(program, io);
  addDetect(program, io);
  addReplay(program, io);
  addState(program, io);
  addService(program, io);
}
