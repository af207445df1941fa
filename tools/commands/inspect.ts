import { readModel } from "../files.ts";
import { describeModel } from "../inspect/report.ts";
import { renderReport } from "../inspect/text.ts";
import { hasColors, type Io } from "../io.ts";
import { printableJson } from "../print.ts";

export interface InspectArgs {
  readonly model: string;
  readonly json?: boolean;
}

/** Writes what a model file holds and what it costs to run. A failed self-test is told, not thrown. */
export async function runInspect(args: InspectArgs, io: Io): Promise<void> {
  const report = describeModel(await readModel(args.model, { verify: false }));
  io.stdout.write(args.json === true ? printableJson(report) : renderReport(report, hasColors(io)));
}
