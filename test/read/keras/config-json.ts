import { CliError } from "../../../tools/errors.ts";
import { readConfig } from "../../../tools/read/keras/config.ts";

export type Json = Readonly<Record<string, unknown>>;

export const read = (json: unknown) => readConfig(JSON.stringify(json), "m.keras");

export const refusal = (json: unknown): string => {
  try {
    read(json);
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
  return "nothing refused";
};

export const layer = (class_name: string, name: string, more: Json = {}) => ({ class_name, config: { name }, ...more });
