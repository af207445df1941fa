// `npm run bench:real -- FILE`: how well the machine temperature model forecasts that machine, next to the last value and to a
// linear model of as many last readings as the model's skip has.

import { openInput, readModel } from "../files.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import type { Model, Numeric } from "../../host/runtime/types.ts";
import { SampleReader } from "../samples/reader.ts";
import { printTable } from "./table.ts";
