import { blocks, checkImage, paddedBytes } from "../../assembly/image";
import {
  HEADER_BYTES,
  HEADER_CHECKSUM,
  HEADER_LAYERS,
  HEADER_MAGIC,
  HEADER_SIZE,
  IMAGE_MAGIC_F32,
  IMAGE_MAGIC_Q15_I8,
  IMAGE_MAGIC_Q15_I16,
  LAYER_LINEAR,
  STATUS_BAD_CHECKSUM,
  STATUS_BAD_MAGIC,
  STATUS_BAD_SIZE,
  STATUS_OK,
} from "../../assembly/layout";
import { Image } from "./support/image";
import { zeros } from "./support/memory";
import { affineF32, denseF32 } from "./support/pack_f32";

/** An image to damage; every damage is undone. */
const INTACT = small();
const INTACT_BYTES = INTACT.finish();

/** zlib.crc32 of the 52 bytes behind the checksum of a header that holds zeros. */
const CRC_OF_ZEROS: u32 = 0xcc2b0fb0;

describe("checkImage", () => {
  it("accepts an undamaged image", () => {
    const image = small();
    const bytes = image.finish();
    expect(checkImage(image.address, bytes, IMAGE_MAGIC_F32)).toBe(STATUS_OK);
  });

  it("accepts more memory than the image needs: the scratch comes behind it", () => {
    const image = small();
    const bytes = image.finish();
    expect(checkImage(image.address, bytes + 1000, IMAGE_MAGIC_F32)).toBe(STATUS_OK);
  });

  it("refuses an image for another build", () => {
    const image = small();
    const bytes = image.finish();
    expect(checkImage(image.address, bytes, IMAGE_MAGIC_Q15_I16)).toBe(STATUS_BAD_MAGIC);
    expect(checkImage(image.address, bytes, IMAGE_MAGIC_Q15_I8)).toBe(STATUS_BAD_MAGIC);
  });

  it("refuses a damaged magic, each bit", () => {
    for (let bit = 0; bit < 32; bit++) expect(statusOfFlip(HEADER_MAGIC, bit)).toBe(STATUS_BAD_MAGIC, `bit ${bit}`);
  });

  it("refuses a size greater than the bytes given", () => {
    const image = small();
    const bytes = image.finish();
    expect(checkImage(image.address, bytes - 1, IMAGE_MAGIC_F32)).toBe(STATUS_BAD_SIZE);
    expect(checkImage(image.address, 0, IMAGE_MAGIC_F32)).toBe(STATUS_BAD_SIZE);
  });

  it("refuses a size smaller than the header", () => {
    expect(statusOfSize(HEADER_SIZE - 16)).toBe(STATUS_BAD_SIZE);
    expect(statusOfSize(0)).toBe(STATUS_BAD_SIZE);
    expect(statusOfSize(-16)).toBe(STATUS_BAD_SIZE);
    expect(statusOfSize(i32.MIN_VALUE)).toBe(STATUS_BAD_SIZE);
  });

  it("refuses a size that is not a multiple of 16", () => {
    for (let rest = 1; rest < 16; rest++)
      expect(statusOfSize(HEADER_SIZE + rest)).toBe(STATUS_BAD_SIZE, `rest ${rest}`);
  });

  it("refuses a smaller size that is well formed: the checksum covers all words", () => {
    expect(statusOfSize(HEADER_SIZE)).toBe(STATUS_BAD_CHECKSUM);
  });

  it("refuses a damaged checksum, each bit", () => {
    for (let bit = 0; bit < 32; bit++) {
      expect(statusOfFlip(HEADER_CHECKSUM, bit)).toBe(STATUS_BAD_CHECKSUM, `bit ${bit}`);
    }
  });

  it("refuses any flipped bit of any word behind the checksum", () => {
    let accepted = 0;
    for (let offset = HEADER_LAYERS; offset < INTACT_BYTES; offset += 4) {
      for (let bit = 0; bit < 32; bit++) if (statusOfFlip(offset, bit) !== STATUS_BAD_CHECKSUM) accepted++;
    }
    expect(accepted).toBe(0);
  });

  it("refuses two words that changed places", () => {
    const image = small();
    const bytes = image.finish();
    const first = load<i32>(image.address, HEADER_LAYERS);
    const second = load<i32>(image.address, HEADER_LAYERS + 8);
    image.set(HEADER_LAYERS, second + 1);
    image.set(HEADER_LAYERS + 8, first + 1);
    expect(checkImage(image.address, bytes, IMAGE_MAGIC_F32)).toBe(STATUS_BAD_CHECKSUM);
  });

  it("refuses any two flipped bits of a header and its checksum", () => {
    const image = zeros(HEADER_SIZE);
    store<i32>(image, IMAGE_MAGIC_F32, HEADER_MAGIC);
    store<i32>(image, HEADER_SIZE, HEADER_BYTES);
    store<u32>(image, CRC_OF_ZEROS, HEADER_CHECKSUM);
    expect(checkImage(image, HEADER_SIZE, IMAGE_MAGIC_F32)).toBe(STATUS_OK);
    let accepted = 0;
    const bits = 8 * (HEADER_SIZE - HEADER_CHECKSUM);
    for (let first = 0; first < bits; first++) {
      flip(image, first);
      for (let second = first + 1; second < bits; second++) {
        flip(image, second);
        if (checkImage(image, HEADER_SIZE, IMAGE_MAGIC_F32) !== STATUS_BAD_CHECKSUM) accepted++;
        flip(image, second);
      }
      flip(image, first);
    }
    expect(accepted).toBe(0);
  });

  it("refuses any two and any four flipped sign bits", () => {
    let accepted = 0;
    const words = (INTACT_BYTES - HEADER_LAYERS) >> 2;
    const address = INTACT.address;
    for (let first = 0; first < words; first++) {
      flip(address, 32 * first + 63);
      for (let second = first + 1; second < words; second++) {
        flip(address, 32 * second + 63);
        if (checkImage(address, INTACT_BYTES, IMAGE_MAGIC_F32) !== STATUS_BAD_CHECKSUM) accepted++;
        if (second + 2 < words) {
          flip(address, 32 * second + 63 + 32);
          flip(address, 32 * second + 63 + 64);
          if (checkImage(address, INTACT_BYTES, IMAGE_MAGIC_F32) !== STATUS_BAD_CHECKSUM) accepted++;
          flip(address, 32 * second + 63 + 32);
          flip(address, 32 * second + 63 + 64);
        }
        flip(address, 32 * second + 63);
      }
      flip(address, 32 * first + 63);
    }
    expect(accepted).toBe(0);
    expect(checkImage(address, INTACT_BYTES, IMAGE_MAGIC_F32)).toBe(STATUS_OK);
  });

  it("sums as CRC-32 does", () => {
    const image = zeros(HEADER_SIZE);
    store<i32>(image, IMAGE_MAGIC_F32, HEADER_MAGIC);
    store<i32>(image, HEADER_SIZE, HEADER_BYTES);
    store<i32>(image, 1, HEADER_LAYERS);
    // zlib.crc32 of a word of 1 and twelve of 0.
    store<u32>(image, 0xa5e7f3bd, HEADER_CHECKSUM);
    expect(checkImage(image, HEADER_SIZE, IMAGE_MAGIC_F32)).toBe(STATUS_OK);
  });
});

describe("paddedBytes", () => {
  it("pads to a multiple of 16", () => {
    expect(paddedBytes<f32>(0)).toBe(0);
    expect(paddedBytes<f32>(1)).toBe(16);
    expect(paddedBytes<f32>(4)).toBe(16);
    expect(paddedBytes<f32>(5)).toBe(32);
    expect(paddedBytes<i16>(8)).toBe(16);
    expect(paddedBytes<i16>(9)).toBe(32);
  });
});

describe("blocks", () => {
  it("counts blocks of 16", () => {
    expect(blocks(1)).toBe(1);
    expect(blocks(16)).toBe(1);
    expect(blocks(17)).toBe(2);
  });
});

/** An image of one linear layer. */
function small(): Image {
  const image = Image.f32(1, 1);
  affineF32(image, [0], [1], [0]);
  denseF32(image, LAYER_LINEAR, [2], [3]);
  image.output();
  affineF32(image, [0], [1], [0]);
  return image;
}

function statusOfSize(size: i32): i32 {
  const image = small();
  const bytes = image.finish();
  image.set(HEADER_BYTES, size);
  return checkImage(image.address, bytes, IMAGE_MAGIC_F32);
}

/** Status of INTACT with one bit of the word at `offset` flipped. */
function statusOfFlip(offset: i32, bit: i32): i32 {
  const word = load<i32>(INTACT.address + usize(offset));
  INTACT.set(offset, word ^ (1 << bit));
  const status = checkImage(INTACT.address, INTACT_BYTES, IMAGE_MAGIC_F32);
  INTACT.set(offset, word);
  return status;
}

/** Flips a bit, counted from the checksum on. */
function flip(image: usize, bit: i32): void {
  const at = image + usize(HEADER_CHECKSUM + (bit >> 3));
  store<u8>(at, load<u8>(at) ^ u8(i32(1) << (bit & 7)));
}
