# What the wasm2c examples share. Output goes to $(OUT); `make GENERATED=DIR` takes C that is already there.
COMMON := $(dir $(lastword $(MAKEFILE_LIST)))
RIVULET ?= rivulet
SAMPLES ?= samples.csv
OUT ?= build
GENERATED ?= $(OUT)/model
BOUNDS ?= 0

CFLAGS = $(ARCH) -std=c11 -O2 -Wall -Wextra -ffp-contract=off -ffreestanding -ffunction-sections -fdata-sections \
  -fno-tree-loop-distribute-patterns -DRIVULET_BOUNDS=$(BOUNDS) -I$(COMMON) -I$(GENERATED)
LDFLAGS = -nostartfiles -nostdlib -Wl,--gc-sections -L$(COMMON) -T$(COMMON)boards/$(BOARD).ld
SOURCES = $(addprefix $(COMMON),wasm2c-main.c port.c startup.c semihosting.c memory.c) $(GENERATED)/rivulet.c

$(OUT)/firmware.elf: $(SOURCES) $(GENERATED)/model.h $(MAKEFILE_LIST)
	mkdir -p $(OUT)
	$(CC) $(CFLAGS) $(SOURCES) $(LDFLAGS) -lgcc -o $@

$(OUT)/model/rivulet.c $(OUT)/model/model.h: $(MODEL)
	mkdir -p $(OUT)/model
	$(RIVULET) build $(MODEL) --for wasm2c -o $(OUT)/model/model.wasm --c-header $(OUT)/model/model.h --wasm2c $(OUT)/model

run: $(OUT)/firmware.elf
	$(QEMU) -display none -monitor none -serial none -semihosting-config enable=on,target=native,arg=$(SAMPLES) -kernel $<

clean:
	rm -rf $(OUT)

.PHONY: run clean
