// A restricted reader of Python pickles, protocols 0 to 5. It builds numbers, texts, lists, dictionaries and what the caller makes of the
// globals that the caller knows. Of every other object it keeps the name of its class and nothing else, so that no code can run.
// The machine is that of CPython's Lib/pickletools.py.

import { Machine, type Opcodes, type PickleHost } from "./pickle-machine.ts";

/**
 * Reads a pickle. Lists, tuples and sets become arrays, dictionaries become Maps with primitive keys (entries with others are dropped),
 * long integers become numbers, bytes and objects of unknown classes become Opaque.
 *
 * @throws {CliError} with the byte, for anything that is no such pickle
 */
export function readPickle(bytes: Uint8Array, host: PickleHost): unknown {
  return new Machine(bytes, host).run(OPCODES);
}

const OPCODES: Opcodes = {
  128: (m) => {
    const version = m.u8();
    if (version > 5) throw m.fail(`pickle protocol ${version}, at most 5 is known`);
  },
  149: (m) => void m.u64(), // FRAME
  40: (m) => m.mark(), // MARK
  78: (m) => m.push(null), // NONE
  136: (m) => m.push(true), // NEWTRUE
  137: (m) => m.push(false), // NEWFALSE
  74: (m) => m.push(m.i32()), // BININT
  75: (m) => m.push(m.u8()), // BININT1
  77: (m) => m.push(m.u16()), // BININT2
  138: (m) => m.push(m.long(m.u8())), // LONG1
  71: (m) => m.push(m.f64()), // BINFLOAT
  88: (m) => m.push(m.text(m.u32())), // BINUNICODE
  140: (m) => m.push(m.text(m.u8())), // SHORT_BINUNICODE
  141: (m) => m.push(m.text(m.u64())), // BINUNICODE8
  84: (m) => m.push(m.text(m.u32())), // BINSTRING
  85: (m) => m.push(m.text(m.u8())), // SHORT_BINSTRING
  93: (m) => m.push([]), // EMPTY_LIST
  41: (m) => m.push([]), // EMPTY_TUPLE
  125: (m) => m.push(new Map()), // EMPTY_DICT
  108: (m) => m.push(m.popMark()), // LIST
  116: (m) => m.push(m.popMark()), // TUPLE
  133: (m) => m.push(m.pop(1)), // TUPLE1
  134: (m) => m.push(m.pop(2)), // TUPLE2
  135: (m) => m.push(m.pop(3)), // TUPLE3
  100: (m) => {
    const items = m.popMark();
    m.push(new Map());
    m.setItems(items);
  }, // DICT
  97: (m) => m.append(m.pop(1)), // APPEND
  101: (m) => m.append(m.popMark()), // APPENDS
  115: (m) => m.setItems(m.pop(2)), // SETITEM
  117: (m) => m.setItems(m.popMark()), // SETITEMS
  113: (m) => m.remember(m.u8()), // BINPUT
  114: (m) => m.remember(m.u32()), // LONG_BINPUT
  148: (m) => m.memoize(), // MEMOIZE
  104: (m) => m.recall(m.u8()), // BINGET
  106: (m) => m.recall(m.u32()), // LONG_BINGET
  99: (m) => m.global(`${m.line()}.${m.line()}`), // GLOBAL
  147: (m) => m.stackGlobal(), // STACK_GLOBAL
  82: (m) => m.reduce(), // REDUCE
  98: (m) => m.build(), // BUILD
  81: (m) => m.persistent(), // BINPERSID
  129: (m) => m.newObject(false), // NEWOBJ
  146: (m) => m.newObject(true), // NEWOBJ_EX
  105: (m) => m.legacyObject(`${m.line()}.${m.line()}`), // INST
  111: (m) => m.legacyObject(), // OBJ
  143: (m) => m.push([]), // EMPTY_SET
  144: (m) => m.append(m.popMark()), // ADDITEMS
  145: (m) => m.frozenSet(), // FROZENSET
  66: (m) => m.opaque("bytes", m.u32()), // BINBYTES
  67: (m) => m.opaque("bytes", m.u8()), // SHORT_BINBYTES
  142: (m) => m.opaque("bytes", m.u64()), // BINBYTES8
  150: (m) => m.opaque("bytearray", m.u64()), // BYTEARRAY8
  139: (m) => m.push(m.long(m.u32())), // LONG4
  83: (m) => m.push(m.line().slice(1, -1)), // STRING
  86: (m) => m.push(m.line()), // UNICODE
  73: (m) => m.number(m.line()), // INT
  76: (m) => m.number(m.line()), // LONG
  70: (m) => m.number(m.line()), // FLOAT
  48: (m) => m.drop(), // POP
  49: (m) => void m.popMark(), // POP_MARK
  50: (m) => m.duplicate(), // DUP
  112: (m) => m.remember(Number(m.line())), // PUT
  103: (m) => m.recall(Number(m.line())), // GET
};
