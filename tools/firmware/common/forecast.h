// The protocol of the examples: a line of text comes in, a line goes out. For q15 models.
//
//     0,17,1480,3.1,11.9,52.5     a sample, as CSV or JSON; the last numbers of the line are the inputs
//     [1481.2,3.1,11.9,52.6]      the prediction, exact
//     state?                      asks for the state
//     state 5256533101...         a snapshot (FORMAT.md 7) in hexadecimal, as an answer, or to restore
//     state ok                    restored
//     error REASON                the line was not understood; the state is what it was
//
// A detector alone answers {"score":-3.25,"alarm":0,"block":"noise","channel":2} in place of a prediction: the distance to
// the threshold, and what explains it. Its snapshot is that of FORMAT.md 8.6.
//
// A line that starts with a letter and is none of these, such as the header of a CSV file, has no answer.
#ifndef RIVULET_FORECAST_H
#define RIVULET_FORECAST_H

#include <stdint.h>

#include "rivulet_raw.h"
#include "rivulet_snapshot.h"
#include "rivulet_text.h"

#ifndef RIVULET_STATE_SIZE
#error "Include model.h first"
#endif
#if RIVULET_FLOAT
#error "This protocol is for q15 models; write the floats of an f32 model to RIVULET_INPUT and read RIVULET_OUTPUT"
#endif

#define FORECAST_SNAPSHOT_SIZE (RIVULET_STATE_SIZE + RIVULET_SNAPSHOT_OVERHEAD)
#define FORECAST_INPUT_SIZE (2 * FORECAST_SNAPSHOT_SIZE + 8 > 256 ? 2 * FORECAST_SNAPSHOT_SIZE + 8 : 256)
#define FORECAST_OUTPUT_SIZE (44 * RIVULET_OUTPUT_COUNT + 2 * FORECAST_SNAPSHOT_SIZE + 8)

static const signed char forecast_input_fractions[] = RIVULET_INPUT_FRACTIONS;
#ifdef RIVULET_DETECTOR
// What the firmware does when an alarm begins (1) and when it ends (0), such as a lamp or a message. May be left out.
__attribute__((weak)) void rivulet_on_alarm(int is_alarm);
#else
static const signed char forecast_output_fractions[] = RIVULET_OUTPUT_FRACTIONS;
#endif

static inline char *forecast_copy(char *to, const char *from) {
  while (*from) *to++ = *from++;
  *to = 0;
  return to;
}

static inline int forecast_hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline void forecast_answer_state(uint8_t *memory, char *answer) {
  uint8_t snapshot[FORECAST_SNAPSHOT_SIZE];
  uint32_t size =
      rivulet_snapshot_write(snapshot, memory + RIVULET_MODEL_HASH, memory + RIVULET_STATE, RIVULET_STATE_SIZE);
  answer = forecast_copy(answer, "state ");
  for (uint32_t i = 0; i < size; i++) {
    *answer++ = "0123456789abcdef"[snapshot[i] >> 4];
    *answer++ = "0123456789abcdef"[snapshot[i] & 15];
  }
  forecast_copy(answer, "\n");
}

static inline const char *forecast_restore_state(const char *hex, uint8_t *memory) {
  static const char *const reasons[] = {"state ok\n", "error damaged snapshot\n", "error version of snapshot\n",
                                        "error snapshot of another model\n"};
  uint8_t snapshot[FORECAST_SNAPSHOT_SIZE];
  uint32_t size = 0;
  for (; forecast_hex_digit(hex[0]) >= 0 && forecast_hex_digit(hex[1]) >= 0; hex += 2) {
    if (size == sizeof snapshot) return reasons[RIVULET_SNAPSHOT_OTHER_MODEL];
    snapshot[size++] = (uint8_t)(forecast_hex_digit(hex[0]) << 4 | forecast_hex_digit(hex[1]));
  }
  if (*hex) return reasons[RIVULET_SNAPSHOT_DAMAGED];
  return reasons[rivulet_snapshot_read(snapshot, size, memory + RIVULET_MODEL_HASH, memory + RIVULET_STATE,
                                       RIVULET_STATE_SIZE)];
}

// Reads the last RIVULET_INPUT_COUNT numbers of a line into the module's input; 0, or 1 when there are not as many.
static inline int forecast_read_sample(const char *line, uint8_t *memory) {
  double values[RIVULET_INPUT_COUNT];
  int count = 0;
  while (*line) {
    double value;
    if (*line == ',' || *line == ' ' || *line == '[' || *line == ']') {
      line++;
      continue;
    }
    if (rivulet_parse(&line, &value) != 0) return 1;
    for (int i = 1; i < RIVULET_INPUT_COUNT && count == RIVULET_INPUT_COUNT; i++) values[i - 1] = values[i];
    if (count < RIVULET_INPUT_COUNT) count++;
    values[count - 1] = value;
  }
  if (count < RIVULET_INPUT_COUNT) return 1;
  int32_t *input = (int32_t *)(void *)(memory + RIVULET_INPUT);
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) input[i] = rivulet_raw(values[i], forecast_input_fractions[i]);
  return 0;
}

#ifdef RIVULET_DETECTOR
static inline int32_t forecast_word(const uint8_t *memory, int address) {
  return *(const int32_t *)(const void *)(memory + address);
}

// Writes the verdict on the row, and tells a change of the alarm.
static inline void forecast_answer_row(const uint8_t *memory, char *answer) {
  static const char *const blocks[] = RIVULET_BLOCK_NAMES;
  static int last;
  int alarm = forecast_word(memory, RIVULET_ALARM);
  answer = rivulet_print_real(forecast_copy(answer, "{\"score\":"), forecast_word(memory, RIVULET_SCORE), 11);
  answer = rivulet_print(forecast_copy(answer, ",\"alarm\":"), alarm);
  answer = forecast_copy(forecast_copy(answer, ",\"block\":\""), blocks[forecast_word(memory, RIVULET_BLOCK)]);
  answer = rivulet_print(forecast_copy(answer, "\",\"channel\":"), forecast_word(memory, RIVULET_CHANNEL));
  forecast_copy(answer, "}\n");
  if (alarm != last && rivulet_on_alarm) rivulet_on_alarm(alarm);
  last = alarm;
}
#else
static inline void forecast_answer_row(const uint8_t *memory, char *answer) {
  const int32_t *output = (const int32_t *)(const void *)(memory + RIVULET_OUTPUT);
  for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) {
    *answer++ = i == 0 ? '[' : ',';
    answer = rivulet_print_real(answer, output[i], forecast_output_fractions[i]);
  }
  forecast_copy(answer, "]\n");
}
#endif

// Answers a line, which ends with a zero and has no newline; `step` is that of the module in `memory`. `answer` has
// FORECAST_OUTPUT_SIZE bytes, and is empty when there is nothing to say.
static inline void forecast_line(const char *line, char *answer, uint8_t *memory, int (*step)(void)) {
  *answer = 0;
  if (line[0] == 's' && line[1] == 't' && line[2] == 'a' && line[3] == 't' && line[4] == 'e') {
    if (line[5] == '?') forecast_answer_state(memory, answer);
    if (line[5] == ' ') forecast_copy(answer, forecast_restore_state(line + 6, memory));
  } else if ((*line >= '0' && *line <= '9') || *line == '-' || *line == '[') {
    if (forecast_read_sample(line, memory) != 0)
      forecast_copy(answer, "error not a sample\n");
    else if (step() != 0)
      forecast_copy(answer, "error step\n");
    else
      forecast_answer_row(memory, answer);
  }
}

#endif
