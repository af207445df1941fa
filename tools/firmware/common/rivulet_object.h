// A JSON object on one line: inputs by name (rivulet_sample.h includes this).
#ifndef RIVULET_OBJECT_H
#define RIVULET_OBJECT_H

// Reads four hexadecimal digits; -1 when they are not there.
static inline int32_t rivulet_read_hex4(const char *at) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    const char c = (char)(at[i] | 0x20);
    if (!rivulet_is_digit(at[i]) && !(c >= 'a' && c <= 'f')) return -1;
    value = value << 4 | (rivulet_is_digit(at[i]) ? at[i] - '0' : c - 'a' + 10);
  }
  return value;
}

// Takes a character of a string, whose escapes are resolved, as UTF-8 of 1 to 4 bytes; their number, 0 when it is damaged.
static inline int rivulet_take_character(const char **at, char utf8[4]) {
  static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  const char *from = *at;
  utf8[0] = *from++;
  *at = from;
  if (utf8[0] != '\\') return 1;
  *at = from + 1;
  for (const char *escape = escapes; *escape; escape += 2) {
    utf8[0] = escape[1];
    if (*from == *escape) return 1;
  }
  int32_t code = *from == 'u' ? rivulet_read_hex4(from + 1) : -1;
  if (code < 0) return 0;
  *at = from + 5;
  if (code >= 0xd800 && code < 0xdc00 && from[5] == '\\' && from[6] == 'u') {
    int32_t low = rivulet_read_hex4(from + 7);
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      *at = from + 11;
    }
  }
  const int size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const int marks[] = {0, 0xc0, 0xe0, 0xf0};
  for (int i = size - 1; i > 0; i--, code >>= 6) utf8[i] = (char)(0x80 | (code & 0x3f));
  utf8[0] = (char)(marks[size - 1] | code);
  return size;
}

// Reads the string at *at behind its first quote, and moves *at behind the last one. Answers the input of that name, -1 when
// there is none, -2 when the string does not end.
static inline int rivulet_read_name(const char **at) {
  uint8_t other[RIVULET_INPUT_COUNT] = {0}; // not 0: differs from the name of that input
  int length = 0;
  while (**at != '"') {
    char utf8[4];
    if (**at == 0) return -2;
    int size = rivulet_take_character(at, utf8);
    if (size == 0) return -2;
    for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
      for (int k = 0; k < size && !other[i]; k++) other[i] = rivulet_input_names[i][length + k] != utf8[k] || utf8[k] == 0;
    }
    length += size;
  }
  ++*at;
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
    if (!other[i] && rivulet_input_names[i][length] == 0) return i;
  }
  return -1;
}

// Moves behind a value of any kind; NULL when it does not end, or is none.
static inline const char *rivulet_skip_value(const char *at) {
  int depth = 0;
  do {
    const char *from = at = rivulet_skip_spaces(at);
    if (*at == '"') {
      for (at++; *at && *at != '"'; at++) at += *at == '\\' && at[1];
      if (*at++ == 0) return 0;
    } else if (*at == '{' || *at == '[') {
      depth++, at++;
    } else if (depth > 0 && (*at == '}' || *at == ']')) {
      depth--, at++;
    } else if (depth > 0 && (*at == ',' || *at == ':')) {
      at++;
    } else {
      while (rivulet_is_digit(*at) || *at == '-' || *at == '+' || *at == '.' || (*at >= 'a' && *at <= 'z') || *at == 'E') at++;
      if (at == from) return 0;
    }
  } while (depth > 0);
  return at;
}

// Reads an object behind its first brace.
static inline int rivulet_read_object(const char *at, int32_t *raw, char *reason) {
  uint8_t has[RIVULET_INPUT_COUNT] = {0};
  at = rivulet_skip_spaces(at);
  while (*at == '"') {
    at++;
    const int input = rivulet_read_name(&at);
    at = rivulet_skip_spaces(at);
    if (input < -1 || *at != ':') return rivulet_refuse(reason, 0, -1, "not JSON");
    at = rivulet_skip_spaces(at + 1);
    if (input >= 0) {
      const char *wrong = rivulet_read_input(&at, input, raw);
      if (wrong) return rivulet_refuse(reason, 0, input, wrong);
      has[input] = 1;
    } else if ((at = rivulet_skip_value(at)) == 0) {
      return rivulet_refuse(reason, 0, -1, "not JSON");
    }
    at = rivulet_skip_spaces(at);
    if (*at != ',') break;
    at = rivulet_skip_spaces(at + 1);
    if (*at != '"') return rivulet_refuse(reason, 0, -1, "not JSON");
  }
  if (*at != '}' || *rivulet_skip_spaces(at + 1)) return rivulet_refuse(reason, 0, -1, "not JSON");
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
    if (!has[i]) return rivulet_refuse(reason, 0, i, "missing");
  }
  return RIVULET_LINE_SAMPLE;
}

#endif
