// Assembles an image by hand, in the layout that assembly/layout.ts draws. The host's packer (host/runtime/image*.ts) is another
// implementation of the same drawings.

import {
  CRC_POLYNOMIAL,
  HEADER_BYTES,
  HEADER_CHECKSUM,
  HEADER_FORECASTS,
  HEADER_INPUT,
  HEADER_LAYERS,
  HEADER_MAGIC,
  HEADER_OUTPUT,
  HEADER_PREDICTION,
  HEADER_RING,
  HEADER_SAMPLE,
  HEADER_SIZE,
  HEADER_STATE,
  HEADER_VECTOR,
  HEADER_VOCABULARY,
  HEADER_WINDOW,
  IMAGE_MAGIC_F32,
  IMAGE_MAGIC_Q15_I8,
  IMAGE_MAGIC_Q15_I16,
  RECORD_KIND,
  RECORD_NEXT,
  RECORD_SHIFT_H,
  RECORD_SHIFT_X,
  RECORD_SIZE,
  RECORD_SIZE_IN,
  RECORD_SIZE_OUT,
  TABLE_SIZE,
} from "../../../assembly/layout";
import { zeros } from "./memory";
import { TABLE } from "./table";

/** Room for an image and the scratch behind it. */
const CAPACITY = 1 << 16;

/** Bytes of a work vector: enough for every size in the specs. */
const VECTOR = 1024;

/** An image under construction, written from its start to its end. */
export class Image {
  readonly address: usize = zeros(CAPACITY);
  private at: usize = this.address + HEADER_SIZE;

  constructor(magic: i32) {
    this.set(HEADER_MAGIC, magic);
    this.set(HEADER_VECTOR, VECTOR);
  }

  /** Begins an f32 image of a network without embedding, window and state. */
  static f32(sample: i32, prediction: i32): Image {
    return new Image(IMAGE_MAGIC_F32).sizes(sample, prediction);
  }

  /** Begins a q15 image for this build, its table written. */
  static q15(sample: i32, prediction: i32): Image {
    const image = new Image(ASC_FEATURE_SIMD ? IMAGE_MAGIC_Q15_I16 : IMAGE_MAGIC_Q15_I8).sizes(sample, prediction);
    memory.copy(image.at, TABLE, TABLE_SIZE);
    image.at += TABLE_SIZE;
    return image;
  }

  private sizes(sample: i32, prediction: i32): Image {
    this.set(HEADER_SAMPLE, sample);
    this.set(HEADER_INPUT, sample);
    this.set(HEADER_PREDICTION, prediction);
    return this;
  }

  /** Sets a word of the header. */
  set(offset: i32, value: i32): void {
    store<i32>(this.address + usize(offset), value);
  }

  /** Declares an embedding of `vocabulary` rows of `size` elements; the rows are the next to be written. */
  embedding(vocabulary: i32, size: i32): void {
    this.set(HEADER_VOCABULARY, vocabulary);
    this.set(HEADER_INPUT, size);
  }

  /** Declares the window of a skip and the bytes of the state. */
  state(window: i32, bytes: i32): void {
    this.set(HEADER_WINDOW, window);
    this.set(HEADER_STATE, bytes);
  }

  word(value: i32): void {
    store<i32>(this.at, value);
    this.at += 4;
  }

  float(value: f32): void {
    store<f32>(this.at, value);
    this.at += 4;
  }

  half(value: i32): void {
    store<i16>(this.at, i16(value));
    this.at += 2;
  }

  /** An int8 weight, as this build stores it. */
  weight(value: i32): void {
    if (ASC_FEATURE_SIMD) {
      store<i16>(this.at, i16(value));
      this.at += 2;
    } else {
      store<i8>(this.at, i8(value));
      this.at += 1;
    }
  }

  floats(values: StaticArray<f32>): void {
    for (let i = 0; i < values.length; i++) this.float(values[i]);
    this.align();
  }

  words(values: StaticArray<i32>): void {
    for (let i = 0; i < values.length; i++) this.word(values[i]);
    this.align();
  }

  /** Pads the part to a multiple of 16 bytes. */
  align(): void {
    this.at = (this.at + 15) & ~15;
  }

  /** Begins the record of the next layer and returns its address. */
  open(kind: i32, sizeIn: i32, size: i32, shiftX: i32, shiftH: i32): usize {
    this.set(HEADER_LAYERS, load<i32>(this.address, HEADER_LAYERS) + 1);
    const record = this.at;
    store<i32>(record, kind, RECORD_KIND);
    store<i32>(record, sizeIn, RECORD_SIZE_IN);
    store<i32>(record, size, RECORD_SIZE_OUT);
    store<i32>(record, shiftX, RECORD_SHIFT_X);
    store<i32>(record, shiftH, RECORD_SHIFT_H);
    this.at += RECORD_SIZE;
    return record;
  }

  /** Ends the record. */
  close(record: usize): void {
    this.align();
    store<i32>(record, i32(this.at - record), RECORD_NEXT);
  }

  /** The output part begins here. */
  output(): void {
    this.set(HEADER_OUTPUT, i32(this.at - this.address));
  }

  /** Adds the forecasts part to a finished image, and a ring to its state. Returns the offset of the ring. */
  forecasts(words: StaticArray<i32>): i32 {
    const ring = load<i32>(this.address, HEADER_STATE);
    this.set(HEADER_FORECASTS, i32(this.at - this.address));
    this.set(HEADER_RING, ring);
    // Counters, expected, residual and rows.
    this.set(HEADER_STATE, ring + ((8 + 4 * words[1] * (2 + words[0]) + 15) & ~15));
    this.words(words);
    this.finish();
    return ring;
  }

  /** Writes size and checksum; returns the size. */
  finish(): i32 {
    this.align();
    const bytes = i32(this.at - this.address);
    this.set(HEADER_BYTES, bytes);
    this.set(HEADER_CHECKSUM, checksum(this.address, bytes));
    return bytes;
  }
}

/** CRC-32 of the bytes from HEADER_LAYERS on, byte by byte. */
function checksum(image: usize, bytes: i32): i32 {
  let crc: u32 = 0xffffffff;
  for (let offset = HEADER_LAYERS; offset < bytes; offset++) {
    crc ^= u32(load<u8>(image + usize(offset)));
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC_POLYNOMIAL : crc >>> 1;
  }
  return i32(~crc);
}
