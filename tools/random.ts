export { mulberry32, type Random } from "../host/train/random.ts";
