// Runs modules for microcontrollers in wazero: `runner compiler|interpreter JOBS` (../PROTOCOL.md).
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

var background = context.Background()

func call(module api.Module, name string, arguments ...uint64) (uint32, error) {
	results, err := module.ExportedFunction(name).Call(background, arguments...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return uint32(results[0]), nil
}

func value(module api.Module, name string) uint32 {
	return uint32(module.ExportedGlobal(name).Get())
}

func fold(hash, word uint32) uint32 {
	return bits.RotateLeft32((hash^word)*0x01000193, 5)
}

func foldBytes(hash uint32, memory api.Memory, start, size uint32) uint32 {
	data, _ := memory.Read(start, size)
	for ; len(data) >= 4; data = data[4:] {
		hash = fold(hash, binary.LittleEndian.Uint32(data))
	}
	return hash
}

// Feeds samples through memory and `step`, as an embedder does.
func stepAll(module api.Module, samples []byte, steps int) (uint32, error) {
	if version := value(module, "abi_version"); version != 1 {
		return 0, fmt.Errorf("ABI version %d, expected 1", version)
	}
	memory := module.Memory()
	source, size := value(module, "input"), 4*int(value(module, "input_count"))
	target, out := value(module, "output"), 4*value(module, "output_count")
	hash := uint32(0x811c9dc5)
	if _, err := call(module, "reset"); err != nil {
		return 0, err
	}
	for t := 0; t < steps; t++ {
		memory.Write(source, samples[t*size:(t+1)*size])
		status, err := call(module, "step")
		if err != nil {
			return 0, err
		}
		hash = foldBytes(fold(hash, status), memory, target, out)
	}
	return foldBytes(hash, memory, value(module, "state"), value(module, "state_size")), nil
}

func run(runtime wazero.Runtime, kind, path, source string, steps int) (hash, selftest uint32, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
	}()
	wasm, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	module, err := runtime.InstantiateWithConfig(background, wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return 0, 0, err
	}
	defer module.Close(background)
	if selftest, err = call(module, "selftest"); err != nil {
		return 0, 0, err
	}
	if kind == "drive" {
		seed, err := strconv.Atoi(source)
		if err != nil {
			return 0, 0, err
		}
		hash, err = call(module, "drive", api.EncodeI32(int32(seed)), uint64(steps))
		return hash, selftest, err
	}
	samples, err := os.ReadFile(source)
	if err != nil {
		return 0, 0, err
	}
	hash, err = stepAll(module, samples, steps)
	return hash, selftest, err
}

func main() {
	config := wazero.NewRuntimeConfigCompiler()
	if os.Args[1] == "interpreter" {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	runtime := wazero.NewRuntimeWithConfig(background, config)
	defer runtime.Close(background)
	file, err := os.Open(os.Args[2])
	if err != nil {
		panic(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		job := strings.Split(lines.Text(), "\t")
		steps, _ := strconv.Atoi(job[4])
		hash, selftest, err := run(runtime, job[0], job[2], job[3], steps)
		if err != nil {
			fmt.Println(job[1], "error:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println(job[1], hash, selftest)
		}
	}
}
