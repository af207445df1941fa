// The functions of rivulet.h over the model's own C: the state of the model at hand goes into the work space that all models share,
// and back behind the step. gcc and clang, no header of a C library.
#include "rivulet.h"

#include "rivulet_module.h"
#include "rivulet_snapshot.h"

static const uint8_t model_hash[16] = RIVULET_MODEL_HASH_BYTES;

// Whether the work space is ready.
static uint8_t is_ready;

static int make_ready(void) {
  if (is_ready) return RIVULET_OK;
  rivulet_module_init();
  if (rivulet_module_check() != 0) return RIVULET_DAMAGED;
  is_ready = 1;
  return RIVULET_OK;
}

int rivulet_init(rivulet_model_t *model) {
  __builtin_memset(model, 0, sizeof *model);
  int status = make_ready();
  if (status != RIVULET_OK) return status;
  rivulet_module_reset();
  __builtin_memcpy(model->state, RIVULET_AT(RIVULET_STATE), RIVULET_STATE_SIZE);
  return RIVULET_OK;
}

// Steps over the input that stands in the work space.
static int step(rivulet_model_t *model) {
  __builtin_memcpy(RIVULET_AT(RIVULET_STATE), model->state, RIVULET_STATE_SIZE);
#ifdef RIVULET_DETECTOR
  __builtin_memcpy(RIVULET_AT(RIVULET_MISSED), &model->missed, 4);
  model->missed = 0;
#endif
  if (rivulet_module_step() != 0) return RIVULET_BAD_TOKEN;
  __builtin_memcpy(model->state, RIVULET_AT(RIVULET_STATE), RIVULET_STATE_SIZE);
#ifdef RIVULET_DETECTOR
  __builtin_memcpy(model->verdict, RIVULET_AT(RIVULET_OUTPUT), sizeof model->verdict);
#endif
  return RIVULET_OK;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

// Whether a float is neither infinite nor NaN.
static int is_finite(float value) { return (bits_of(value) >> 23 & 255) != 255; }

#if RIVULET_FLOAT

int rivulet_step(rivulet_model_t *model, const float *input, float *output) {
  int status = make_ready();
  if (status != RIVULET_OK) return status;
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
    if (!is_finite(input[i])) return RIVULET_BAD_INPUT;
  }
#if RIVULET_VOCABULARY > 0
  int32_t token = input[0] >= 0 && input[0] < RIVULET_VOCABULARY ? (int32_t)input[0] : -1;
  if ((float)token != input[0]) return RIVULET_BAD_TOKEN;
  __builtin_memcpy(RIVULET_AT(RIVULET_INPUT), &token, 4);
#else
  __builtin_memcpy(RIVULET_AT(RIVULET_INPUT), input, 4 * RIVULET_INPUT_COUNT);
#endif
  status = step(model);
  if (status == RIVULET_OK && output) __builtin_memcpy(output, RIVULET_AT(RIVULET_OUTPUT), 4 * RIVULET_OUTPUT_COUNT);
  return status;
}

#else

static const int8_t input_fractions[] = RIVULET_INPUT_FRACTIONS;

// floor(value * 2^fraction + 0.5) within -2^30..2^30, exact: a float is an integer of 24 bits and a shift.
static int32_t raw_of(float value, int fraction) {
  const uint32_t bits = bits_of(value);
  const int exponent = (int)(bits >> 23 & 255);
  const int shift = (exponent ? exponent : 1) - 150 + fraction;
  const int32_t integer = (int32_t)(bits & 0x7fffff) | (exponent ? 0x800000 : 0);
  const int32_t value24 = bits >> 31 ? -integer : integer;
  if (integer == 0) return 0;
  if (shift > 7) return bits >> 31 ? -1073741824 : 1073741824;
  if (shift < -25) return 0;
  if (shift < 0) return (value24 + ((int32_t)1 << (-shift - 1))) >> -shift;
  const int32_t raw = value24 * ((int32_t)1 << shift);
  return raw > 1073741824 ? 1073741824 : raw < -1073741824 ? -1073741824 : raw;
}

int rivulet_step_raw(rivulet_model_t *model, const int32_t *input, int32_t *output) {
  int status = make_ready();
  if (status != RIVULET_OK) return status;
  __builtin_memcpy(RIVULET_AT(RIVULET_INPUT), input, 4 * RIVULET_INPUT_COUNT);
  status = step(model);
  if (status == RIVULET_OK && output) __builtin_memcpy(output, RIVULET_AT(RIVULET_OUTPUT), 4 * RIVULET_OUTPUT_COUNT);
  return status;
}

#ifdef RIVULET_DETECTOR
static int output_fraction(int i) { return i == 0 ? 11 : 0; }
#else
static const int8_t output_fractions[] = RIVULET_OUTPUT_FRACTIONS;
static int output_fraction(int i) { return output_fractions[i]; }
#endif

// raw * 2^-fraction, to the nearest float.
static float real_of(int32_t raw, int fraction) {
  const float unit = fraction < 0 ? (float)((uint32_t)1 << -fraction) : 1.0f / (float)((uint32_t)1 << fraction);
  return (float)raw * unit;
}

int rivulet_step(rivulet_model_t *model, const float *input, float *output) {
  int32_t raw[RIVULET_INPUT_COUNT];
  for (int i = 0; i < RIVULET_INPUT_COUNT; i++) {
    if (!is_finite(input[i])) return RIVULET_BAD_INPUT;
    raw[i] = raw_of(input[i], input_fractions[i]);
  }
#if defined(RIVULET_VOCABULARY) && RIVULET_VOCABULARY > 0
  if ((float)raw[0] != input[0]) return RIVULET_BAD_TOKEN;
#endif
  int status = rivulet_step_raw(model, raw, 0);
  if (status != RIVULET_OK || !output) return status;
  for (int i = 0; i < RIVULET_OUTPUT_COUNT; i++) {
    int32_t word;
    __builtin_memcpy(&word, RIVULET_AT(RIVULET_OUTPUT) + 4 * i, 4);
    output[i] = real_of(word, output_fraction(i));
  }
  return RIVULET_OK;
}

#endif

#ifdef RIVULET_DETECTOR
float rivulet_score(const rivulet_model_t *model) { return real_of(model->verdict[0], 11); }
int rivulet_alarm(const rivulet_model_t *model) { return model->verdict[1] != 0; }
int rivulet_channel(const rivulet_model_t *model) { return (int)model->verdict[3]; }
void rivulet_missed(rivulet_model_t *model, uint32_t samples) { model->missed = samples; }
#endif

uint32_t rivulet_state_save(const rivulet_model_t *model, uint8_t *snapshot) {
  return rivulet_snapshot_write(snapshot, model_hash, (const uint8_t *)model->state, RIVULET_STATE_SIZE);
}

int rivulet_state_load(rivulet_model_t *model, const uint8_t *snapshot, uint32_t size) {
  switch (rivulet_snapshot_read(snapshot, size, model_hash, (uint8_t *)model->state, RIVULET_STATE_SIZE)) {
    case RIVULET_SNAPSHOT_OK:
      return RIVULET_OK;
    case RIVULET_SNAPSHOT_VERSION:
      return RIVULET_OTHER_VERSION;
    case RIVULET_SNAPSHOT_OTHER_MODEL:
      return RIVULET_OTHER_MODEL;
    default:
      return RIVULET_DAMAGED;
  }
}

int rivulet_selftest(void) {
  int status = make_ready();
  if (status != RIVULET_OK) return status;
  return rivulet_module_selftest() == 0 ? RIVULET_OK : RIVULET_OTHER_BITS;
}

int rivulet_check(void) {
  if (!is_ready) rivulet_module_init();
  return rivulet_module_check() == 0 ? RIVULET_OK : RIVULET_DAMAGED;
}
