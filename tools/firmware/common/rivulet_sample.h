// A line of text to the raw integers of a model's inputs, without floating point. Include model.h first.
//
//     flow,temperature            a header names the columns of the rows that follow, as in a CSV file
//     12.5,21.75                  a row: as the header says, or without one the inputs in their order
//     [12.5, 1.234567e-05]        a JSON array, the inputs in their order
//     {"flow": 12.5, "x": null}   a JSON object, by name; others are passed over
//
// What cannot be read is refused with the column and the reason; the inputs then hold nothing of use.
#ifndef RIVULET_SAMPLE_H
#define RIVULET_SAMPLE_H

#include <stdint.h>

#include "rivulet_text.h"

// What a header said.
typedef struct {
  uint8_t width;     // columns; 0: there was no header
  char delimiter;
  uint8_t at[RIVULET_INPUT_COUNT]; // the column of each input
} rivulet_columns;

enum { RIVULET_LINE_SAMPLE, RIVULET_LINE_HEADER, RIVULET_LINE_REFUSED };

// Bytes that the reason of a refusal takes at most, its end included.
#define RIVULET_REASON_SIZE 160

static const char *const rivulet_input_names[] = RIVULET_INPUT_NAMES;
static const signed char rivulet_input_fractions[] = RIVULET_INPUT_FRACTIONS;

// Appends text, at most 40 bytes of it, and no half of a character.
static inline char *rivulet_append(char *to, const char *text) {
  int length = 0;
  while (length < 41 && text[length]) length++;
  if (length == 41) {
    for (length = 40; ((uint8_t)text[length] & 0xc0) == 0x80; length--) {
    }
  }
  for (int i = 0; i < length; i++) *to++ = text[i];
  *to = 0;
  return to;
}

// Writes `error column 3, "flow": REASON`; column 0 is none.
static inline int rivulet_refuse(char *reason, int column, int input, const char *text) {
  reason = rivulet_append(reason, "error ");
  if (column > 0) reason = rivulet_append(rivulet_print(rivulet_append(reason, "column "), column), input >= 0 ? ", " : ": ");
  if (input >= 0) reason = rivulet_append(rivulet_append(rivulet_append(reason, "\""), rivulet_input_names[input]), "\": ");
  rivulet_append(rivulet_append(reason, text), "\n");
  return RIVULET_LINE_REFUSED;
}

static inline const char *rivulet_skip_spaces(const char *at) {
  while (*at == ' ' || *at == '\t') at++;
  return at;
}

// Reads the number at *at, which `input` gets. NULL, or what is wrong with it.
static inline const char *rivulet_read_input(const char **at, int input, int32_t *raw) {
  rivulet_decimal number;
  int status = rivulet_read_decimal(at, &number);
  if (status == RIVULET_NUMBER_NONE) return "not a number";
  if (status == RIVULET_NUMBER_TOO_LARGE) return "number too large";
#if defined(RIVULET_VOCABULARY) && RIVULET_VOCABULARY > 0
  int whole = number.rest == 0;
  for (int i = 0; i < 6; i++) whole &= number.fraction[i] == 0;
  if (!whole || number.integer >= RIVULET_VOCABULARY || (number.negative && number.integer > 0)) return "not a token of the model";
#endif
  raw[input] = rivulet_decimal_raw(&number, rivulet_input_fractions[input]);
  return 0;
}

// Writes `error 3 values, expected 4`.
static inline int rivulet_refuse_count(char *reason, int found, int expected) {
  reason = rivulet_append(rivulet_print(rivulet_append(reason, "error "), found), found == 1 ? " value" : " values");
  rivulet_append(rivulet_print(rivulet_append(reason, ", expected "), expected), "\n");
  return RIVULET_LINE_REFUSED;
}

// Reads values in the order of the inputs up to `end`: ']' of an array, or 0.
static inline int rivulet_read_values(const char *at, char end, int32_t *raw, char *reason) {
  int count = 0;
  int32_t unused[RIVULET_INPUT_COUNT];
  at = rivulet_skip_spaces(at);
  while (*at != end) {
    const int input = count < RIVULET_INPUT_COUNT ? count : -1;
    const char *wrong = rivulet_read_input(&at, input < 0 ? 0 : input, input < 0 ? unused : raw);
    count++;
    const char *next = rivulet_skip_spaces(at);
    int is_apart = *next == ',' || *next == ';' || *next == end || (next > at && *next != 0);
    if (!wrong && !is_apart) wrong = *next == 0 ? "line ends here" : "not a number";
    if (wrong) return rivulet_refuse(reason, count, input, wrong);
    if (*next == ',' || *next == ';') {
      next = rivulet_skip_spaces(next + 1);
      if (*next == end) return rivulet_refuse(reason, count + 1, count < RIVULET_INPUT_COUNT ? count : -1, "nothing");
    }
    at = next;
  }
  if (end && *rivulet_skip_spaces(at + 1)) return rivulet_refuse(reason, 0, -1, "text behind the array");
  if (count != RIVULET_INPUT_COUNT) return rivulet_refuse_count(reason, count, RIVULET_INPUT_COUNT);
  return RIVULET_LINE_SAMPLE;
}

// A cell of a row of CSV, without spaces and quotes around it.
typedef struct {
  const char *from, *to;
} rivulet_cell;

// Takes the cell at *at and moves *at to the delimiter behind it, or to the end.
static inline rivulet_cell rivulet_take_cell(const char **at, char delimiter) {
  const char *from = *at;
  while (*from == ' ') from++;
  const char *to = from;
  int quoted = 0;
  for (; *to && (quoted || *to != delimiter); to++) quoted ^= *to == '"';
  *at = to;
  while (to > from && to[-1] == ' ') to--;
  if (to - from > 1 && *from == '"' && to[-1] == '"') from++, to--;
  return (rivulet_cell){from, to};
}

static inline int rivulet_is_cell(rivulet_cell cell, const char *text) {
  while (cell.from < cell.to && *cell.from == *text) cell.from++, text++;
  return cell.from == cell.to && *text == 0;
}

// The most frequent of the characters that separate columns.
static inline char rivulet_find_delimiter(const char *line) {
  int commas = 0, semicolons = 0, tabs = 0;
  for (; *line; line++) commas += *line == ',', semicolons += *line == ';', tabs += *line == '\t';
  return tabs > commas && tabs > semicolons ? '\t' : semicolons > commas ? ';' : ',';
}

// Reads a header. `columns` changes only when every input has its column; else answers the first input without one.
static inline int rivulet_read_header(const char *at, rivulet_columns *columns) {
  rivulet_columns found = {0, rivulet_find_delimiter(at), {0}};
  uint8_t has[RIVULET_INPUT_COUNT] = {0};
  for (int column = 0; column < 255; column++) {
    rivulet_cell cell = rivulet_take_cell(&at, found.delimiter);
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
      if (!rivulet_is_cell(cell, rivulet_input_names[i])) continue;
      found.at[i] = (uint8_t)column;
      has[i] = 1;
    }
    found.width = (uint8_t)(column + 1);
    if (*at++ == 0) break;
  }
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
    if (!has[i]) return i;
  }
  *columns = found;
  return -1;
}

// Reads a row as the header said.
static inline int rivulet_read_row(const char *at, const rivulet_columns *columns, int32_t *raw, char *reason) {
  int column = 0;
  for (;; at++) {
    rivulet_cell cell = rivulet_take_cell(&at, columns->delimiter);
    for (int i = 0; i < RIVULET_INPUT_COUNT && column < columns->width; i++) {
      if (columns->at[i] != column) continue;
      const char *end = cell.from;
      const char *wrong = cell.from == cell.to ? "nothing" : rivulet_read_input(&end, i, raw);
      if (!wrong && end != cell.to) wrong = "not a number";
      if (wrong) return rivulet_refuse(reason, column + 1, i, wrong);
    }
    column++;
    if (*at == 0) break;
  }
  if (column != columns->width) return rivulet_refuse_count(reason, column, columns->width);
  return RIVULET_LINE_SAMPLE;
}

#include "rivulet_object.h"

// Reads a line, which ends with a zero; `columns` is zeros at first, and kept from line to line. Answers what the line was;
// when it is refused, `reason` tells why, a line of at most RIVULET_REASON_SIZE bytes.
static inline int rivulet_read_line(const char *line, rivulet_columns *columns, int32_t *raw, char *reason) {
  static const char mark[] = "\xef\xbb\xbf"; // of a file in UTF-8
  if (line[0] == mark[0] && line[1] == mark[1] && line[2] == mark[2]) line += 3;
  line = rivulet_skip_spaces(line);
  if (*line == '[') return rivulet_read_values(line + 1, ']', raw, reason);
  if (*line == '{') return rivulet_read_object(line + 1, raw, reason);
  const int is_number = rivulet_is_digit(*line) || *line == '-' || *line == '+' || *line == '.';
  if (columns->width == 0 && is_number) return rivulet_read_values(line, 0, raw, reason);
  const int missing = is_number ? 0 : rivulet_read_header(line, columns);
  if (missing < 0) return RIVULET_LINE_HEADER;
  if (columns->width == 0) return rivulet_refuse(reason, 0, missing, "no such column in the header");
  return rivulet_read_row(line, columns, raw, reason);
}

#endif
