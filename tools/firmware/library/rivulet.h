// A trained model in a few functions. Every package of `rivulet build --package` has this header; what differs from model to model
// is in rivulet_model.h, as macros: RIVULET_INPUT_COUNT, RIVULET_OUTPUT_COUNT, RIVULET_INPUT_NAMES, RIVULET_STATE_SIZE, ...
//
//     static rivulet_model_t pump;                     // one for each machine; the weights are there once
//     if (rivulet_init(&pump) != RIVULET_OK) stop();
//     float in[RIVULET_INPUT_COUNT] = {1480, 3.1f, 11.9f, 52.5f}, out[RIVULET_OUTPUT_COUNT];
//     rivulet_step(&pump, in, out);
//
// No heap, nothing before main. All models share one work space: calls must not overlap, so make them from one task, or under
// one lock, and never from an interrupt.
#ifndef RIVULET_H
#define RIVULET_H

#include <stdint.h>

#include "rivulet_model.h"

#ifdef __cplusplus
extern "C" {
#endif

// What functions answer.
enum {
  RIVULET_OK = 0,
  RIVULET_DAMAGED = 1,       // a constant of the model, or the snapshot, is damaged
  RIVULET_OTHER_BITS = 2,    // the self-test: this compiler or processor computes something else than the host
  RIVULET_BAD_INPUT = 3,     // an input is no finite number
  RIVULET_BAD_TOKEN = 4,     // the input is no token of the model
  RIVULET_OTHER_VERSION = 5, // the snapshot is of a version that is not known
  RIVULET_OTHER_MODEL = 6,   // the snapshot is of another model
};

// Bytes of a snapshot.
#define RIVULET_SNAPSHOT_SIZE (RIVULET_STATE_SIZE + 32)

// A model's memory of what it has seen. Yours: static, in a structure, on a heap if you have one.
typedef struct {
  uint32_t state[RIVULET_STATE_SIZE > 0 ? (RIVULET_STATE_SIZE + 3) / 4 : 1];
#ifdef RIVULET_DETECTOR
  int32_t verdict[RIVULET_OUTPUT_COUNT];
  uint32_t missed;
#endif
} rivulet_model_t;

// Makes a fresh model. Checks the constants before the first one: RIVULET_OK or RIVULET_DAMAGED.
int rivulet_init(rivulet_model_t *model);

// Takes a sample in real units, one number for each input, and writes the outputs, which may be NULL. The model is as before when
// the answer is not RIVULET_OK.
int rivulet_step(rivulet_model_t *model, const float *input, float *output);

#if !RIVULET_FLOAT
// The same with raw integers, without floating point: raw = real * 2^fraction (RIVULET_INPUT_FRACTIONS, RIVULET_OUTPUT_FRACTIONS).
int rivulet_step_raw(rivulet_model_t *model, const int32_t *input, int32_t *output);
#endif

#ifdef RIVULET_DETECTOR
// Of the last step: how far above the threshold it was, in powers of two; 1 in alarm, else 0; the input that explains it most.
float rivulet_score(const rivulet_model_t *model);
int rivulet_alarm(const rivulet_model_t *model);
int rivulet_channel(const rivulet_model_t *model);

// Tells that so many samples were missed before the next one.
void rivulet_missed(rivulet_model_t *model, uint32_t samples);
#endif

// Writes a snapshot of RIVULET_SNAPSHOT_SIZE bytes, the host's format (`rivulet predict --state`), and answers that size.
uint32_t rivulet_state_save(const rivulet_model_t *model, uint8_t *snapshot);

// Takes over a snapshot. The model is as before when the answer is not RIVULET_OK.
int rivulet_state_load(rivulet_model_t *model, const uint8_t *snapshot, uint32_t size);

// Runs the model's own test and compares every bit with the host's: RIVULET_OK or RIVULET_OTHER_BITS. Models stay as they are.
int rivulet_selftest(void);

// Compares the checksum of the constants: RIVULET_OK or RIVULET_DAMAGED.
int rivulet_check(void);

#ifdef __cplusplus
}
#endif

#endif
