// The protocol of the examples: a line of text comes in, a line goes out. For q15 models.
//
//     1480,3.1,11.9,52.5          a sample: CSV, or JSON as an array or an object by name (rivulet_sample.h)
//     [1481.2,3.1,11.9,52.6]      the prediction, exact
//     state?                      asks for the state
//     state 5256533101...         a snapshot (FORMAT.md 7) in hexadecimal, as an answer, or to restore
//     state ok                    restored
//     error REASON                the line was not understood; the state is what it was
//
// A detector alone answers {"score":-3.25,"alarm":0,"block":"noise","channel":2} in place of a prediction: the distance to
// the threshold, and what explains it. Its snapshot is that of FORMAT.md 8.6.
//
// The header of a CSV file has no answer; the rows after it are read by its names. An empty line has none either.
#ifndef RIVULET_FORECAST_H
#define RIVULET_FORECAST_H

#include <stdint.h>

#include "rivulet_sample.h"
#include "rivulet_snapshot.h"
#include "rivulet_text.h"

#ifndef RIVULET_STATE_SIZE
#error "Include model.h first"
#endif
#if RIVULET_FLOAT
#error "This protocol is for q15 models; write the floats of an f32 model to RIVULET_INPUT and read RIVULET_OUTPUT"
#endif

#define FORECAST_SNAPSHOT_SIZE (RIVULET_STATE_SIZE + RIVULET_SNAPSHOT_OVERHEAD)
#define FORECAST_GREATER(a, b) ((a) > (b) ? (a) : (b))
// A line of numbers with all their digits, and names; or a snapshot.
#define FORECAST_INPUT_SIZE FORECAST_GREATER(2 * FORECAST_SNAPSHOT_SIZE + 8, 128 + 64 * RIVULET_INPUT_COUNT)
#define FORECAST_OUTPUT_SIZE \
  FORECAST_GREATER(44 * RIVULET_OUTPUT_COUNT + 2 * FORECAST_SNAPSHOT_SIZE + 8, RIVULET_REASON_SIZE)

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
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
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

// Reads a sample into the module's input, steps and answers.
static inline void forecast_sample(const char *line, char *answer, uint8_t *memory, int (*step)(void)) {
  static rivulet_columns columns;
  int32_t *input = (int32_t *)(void *)(memory + RIVULET_INPUT);
  if (rivulet_read_line(line, &columns, input, answer) != RIVULET_LINE_SAMPLE) return;
  if (step() != 0)
    forecast_copy(answer, "error step\n");
  else
    forecast_answer_row(memory, answer);
}

// Answers a line, which ends with a zero and has no newline; `step` is that of the module in `memory`. `answer` has
// FORECAST_OUTPUT_SIZE bytes, and is empty when there is nothing to say.
static inline void forecast_line(const char *line, char *answer, uint8_t *memory, int (*step)(void)) {
  *answer = 0;
  int length = 0;
  while (line[length]) length++;
  const int is_state = line[0] == 's' && line[1] == 't' && line[2] == 'a' && line[3] == 't' && line[4] == 'e';
  if (length >= FORECAST_INPUT_SIZE - 1) { // its end is missing
    forecast_copy(answer, "error line too long\n");
  } else if (is_state && line[5] == '?') {
    forecast_answer_state(memory, answer);
  } else if (is_state && line[5] == ' ') {
    forecast_copy(answer, forecast_restore_state(line + 6, memory));
  } else if (length > 0) {
    forecast_sample(line, answer, memory, step);
  }
}

#endif
