// The example of a package: a model that is fed with one sample a second.

import type { Described } from "./types.ts";

/** A number as a literal of C. */
function literal(value: number): string {
  const text = `${value}`;
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}

const inputsOf = ({ sample }: Described): string => sample.map(literal).join(", ");

/** A sketch: the LED is on in alarm, or tells that a sample was predicted. */
export function arduinoSketch(model: Described): string {
  return `// ${model.sentence}
// Feed real readings where the sample is; the serial monitor (115200 baud) shows the answers.
#include <rivulet.h>

static rivulet_model_t model;

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
  int status = rivulet_init(&model);
  if (status == RIVULET_OK) status = rivulet_selftest();
  Serial.println(status == RIVULET_OK ? F("ready") : F("the model is damaged"));
  while (status != RIVULET_OK) {
  }
}

void loop() {
  // ${model.inputs.join(", ")}
  const float input[RIVULET_INPUT_COUNT] = {${inputsOf(model)}};
${model.isDetector ? DETECTOR_LOOP : MODEL_LOOP}
  delay(1000);
}
`;
}

const MODEL_LOOP = `  float output[RIVULET_OUTPUT_COUNT];
  if (rivulet_step(&model, input, output) != RIVULET_OK) return;
  digitalWrite(LED_BUILTIN, !digitalRead(LED_BUILTIN));
  for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) {
    Serial.print(output[i], 4);
    Serial.print(i + 1 < RIVULET_OUTPUT_COUNT ? ',' : '\\n');
  }`;

const DETECTOR_LOOP = `  if (rivulet_step(&model, input, 0) != RIVULET_OK) return;
  digitalWrite(LED_BUILTIN, rivulet_alarm(&model) ? HIGH : LOW);
  Serial.print(rivulet_score(&model), 3);
  Serial.println(rivulet_alarm(&model) ? F(" ALARM") : F(""));`;

/** A program with \`main\` that prints; \`head\` is what a system needs in front, \`main\` the line that begins its main function. */
export function cProgram(
  model: Described,
  { head, main, print, ends }: { head: string; main: string; print: string; ends: boolean },
): string {
  const step = model.isDetector
    ? `    if (rivulet_step(&model, input, 0) != RIVULET_OK) break;
    ${print}("score %ld/1000 %s\\n", (long)(1000.0f * rivulet_score(&model)), rivulet_alarm(&model) ? "ALARM" : "");`
    : `    if (rivulet_step(&model, input, output) != RIVULET_OK) break;
    for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) ${print}("%ld/1000 ", (long)(1000.0f * output[i]));
    ${print}("\\n");`;
  return `// ${model.sentence}
${head}
#include "rivulet.h"

static rivulet_model_t model;

${main}
  int status = rivulet_init(&model);
  if (status == RIVULET_OK) status = rivulet_selftest();
  if (status != RIVULET_OK) {
    ${print}("the model is damaged, or this compiler computes other bits\\n");
    return${ends ? " status" : ""};
  }
  // ${model.inputs.join(", ")}
  const float input[RIVULET_INPUT_COUNT] = {${inputsOf(model)}};
${model.isDetector ? "" : "  float output[RIVULET_OUTPUT_COUNT];\n"}  for (int t = 0; t < 5; t++) {
${step}
  }
${ends ? "  return 0;\n" : ""}}
`;
}
