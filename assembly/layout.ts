// Layout of the image that the kernels read. Untyped integers and no imports, so that asc, tsc and esbuild all read this file.
//
//   word 0   magic           which build may read it
//        1   image size      bytes, a multiple of 16
//        2   checksum        CRC-32 (IEEE 802.3, as in zlib) of all bytes after this word
//        3   layer count
//        4   I               values in one sample (1 for a token)
//        5   O               values in one prediction
//        6   vocabulary      0 = no embedding
//        7   N               size of x, the input of layer 0 (I, or the embedding size)
//        8   window          L·I values of the skip, 0 = no skip
//        9   state size      bytes, a multiple of 16
//       10   vector size     bytes of one work vector in the scratch, a multiple of 64
//       11   output          offset of the output part in the image
//       12   forecasts       offset of the forecasts part, 0 = no output forecasts an input
//       13   ring            offset of the ring of forecasts in the state
//       14.. 0
//   then, each part starting at a multiple of 16 bytes and padded with zeros to one:
//       q15: the tanh table, 256 words (base | slope << 16)
//       input: f32 -offset[I], scale[I], 0[I]; q15 i32 offset[I]; or embedding rows of f32 or i16, each padded to 16 bytes
//       one record of 8 words for each layer, followed by its data (gru.ts and dense.ts draw it)
//       skip: W, packed as a dense layer's; q15 with biases of 0 before it
//       output: f32 0[O], scale[O], offset[O]; q15 i32 multiplier[O], skip multiplier[O], offset[O]
//       forecasts: horizon, J, then for each of J outputs that forecast an input
//           byte offset of the input in a sample, of the output in a prediction, and in q15 how far a raw input
//           is shifted to the left for the output's fraction, -31..31
//
// The scratch follows the image: two work vectors, then the accumulators of a layer.

/** Version of the functions that a kernel module exports. */
export const ABI_VERSION = 1;

/** "RVf1" read as a little-endian word. */
export const IMAGE_MAGIC_F32 = 0x31665652;
/** "RVq1": q15 with the int8 weights widened to i16, for the SIMD build. */
export const IMAGE_MAGIC_Q15_I16 = 0x31715652;
/** "RVb1": q15 with weights as i8, for the scalar build. */
export const IMAGE_MAGIC_Q15_I8 = 0x31625652;

export const HEADER_MAGIC = 0;
export const HEADER_BYTES = 4;
export const HEADER_CHECKSUM = 8;
export const HEADER_LAYERS = 12;
export const HEADER_SAMPLE = 16;
export const HEADER_PREDICTION = 20;
export const HEADER_VOCABULARY = 24;
export const HEADER_INPUT = 28;
export const HEADER_WINDOW = 32;
export const HEADER_STATE = 36;
export const HEADER_VECTOR = 40;
export const HEADER_OUTPUT = 44;
export const HEADER_FORECASTS = 48;
export const HEADER_RING = 52;
export const HEADER_SIZE = 64;

/** The forecasts part: horizon, J, then J times FORECAST_NEXT bytes. */
export const FORECASTS_HORIZON = 0;
export const FORECASTS_COUNT = 4;
export const FORECASTS_SIZE = 8;
export const FORECAST_INPUT = 0;
export const FORECAST_OUTPUT = 4;
export const FORECAST_SHIFT = 8;
export const FORECAST_NEXT = 12;

/** The ring of forecasts in a session's state (FORMAT.md 7): steps, row, then expected[J], residual[J] and horizon rows of J. */
export const RING_STEPS = 0;
export const RING_ROW = 4;
export const RING_EXPECTED = 8;

/** Bytes of the tanh table in a q15 image. */
export const TABLE_SIZE = 1024;

/** LAYER_* below. */
export const RECORD_KIND = 0;
export const RECORD_SIZE_IN = 4;
export const RECORD_SIZE_OUT = 8;
/** Bytes from this record to the next. */
export const RECORD_NEXT = 12;
export const RECORD_SHIFT_X = 16;
export const RECORD_SHIFT_H = 20;
export const RECORD_SIZE = 32;

export const LAYER_LINEAR = 0;
export const LAYER_SIGMOID = 1;
export const LAYER_TANH = 2;
export const LAYER_RELU = 3;
export const LAYER_SOFTMAX = 4;
export const LAYER_GRU_AFTER = 5;
export const LAYER_GRU_BEFORE = 6;
/** f32 only, as all that follow; one parameter for each row: the slope. */
export const LAYER_PRELU = 7;
/** One parameter for each row: alpha. */
export const LAYER_ELU = 8;
/** Two parameters for each row: the least and the greatest value. */
export const LAYER_HARDTANH = 9;
export const LAYER_GELU = 10;
export const LAYER_GELU_TANH = 11;
export const LAYER_SILU = 12;
export const LAYER_SOFTPLUS = 13;
export const LAYER_HARDSWISH = 14;
/** Two parameters for each row: the slope, and the value at 0. */
export const LAYER_HARDSIGMOID = 15;
/** As LAYER_GRU_AFTER and LAYER_GRU_BEFORE, with gates that are straight between 0 and 1; their rows are not halved. */
export const LAYER_GRU_AFTER_HARD = 16;
export const LAYER_GRU_BEFORE_HARD = 17;

/** Units or rows in one block of the packed weights. */
export const BLOCK = 16;
/** An f32 matrix of at most so many rows is packed row by row: the SIMD build takes four columns at once, in place of four rows. */
export const NARROW_ROWS = 2;

/** Address of the tanh table in a module for a microcontroller, base and slope of each entry; 0 to 15 stay unused, so that 0 is no address. */
export const MCU_TABLE = 16;
/** Entries of that table: the segments of TANH_TABLE from v >> 8 = -83 to 82, beyond which tanh is flat. */
export const MCU_TABLE_ENTRIES = 166;
/** What is added to v to count from the first of them. */
export const MCU_TABLE_OFFSET = 21248;
/** The greatest v, counted so, that is not beyond them. */
export const MCU_TABLE_SPAN = 42240;
/** Where the shift starts in what such a module says of a vector and of a layer's sums over it, in one number (mcu/layer.ts, Over). */
export const OVER_SHIFT = 24;
/** Version of the functions and globals that a module for a microcontroller exports. */
export const MCU_ABI_VERSION = 1;

/** Coefficients of the cubic for 2^-x, Q15 (FORMAT.md 5.6; fitted by tools/build/tables.mjs). */
export const EXP2_A = 22664;
export const EXP2_B = 7582;
export const EXP2_C = 1304;

/** Polynomial of the checksum, reflected: CRC-32 of IEEE 802.3. */
export const CRC_POLYNOMIAL = 0xedb88320;
/** Factor of the hash in the self-test of a module for microcontrollers (that of FNV-1a), and by how many bits each product is rotated to the left. */
export const HASH_FACTOR = 0x01000193;
export const HASH_TURN = 5;

export const STATUS_OK = 0;
export const STATUS_BAD_MAGIC = 1;
export const STATUS_BAD_SIZE = 2;
export const STATUS_BAD_CHECKSUM = 3;
export const STATUS_BAD_TOKEN = 4;
