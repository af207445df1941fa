import { MCU_TABLE, MCU_TABLE_ENTRIES } from "../../../assembly/layout";
import { TABLE } from "./table";

/** Whether the addresses of the table are free: as-pect.asconfig.json places static data from 1024 on. */
export const IS_FREE: bool = MCU_TABLE + 4 * MCU_TABLE_ENTRIES <= 1024 && TABLE >= 1024;

/** Puts the tanh table where a module for a microcontroller has it: the entries from v >> 8 = -83 on. */
export function placeTable(): void {
  for (let i = 0; i < MCU_TABLE_ENTRIES; i++) {
    store<i32>(usize(MCU_TABLE + 4 * i), load<i32>(TABLE + usize(4 * ((i - 83) & 255))));
  }
}
