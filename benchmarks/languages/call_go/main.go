// textstat from Go, or, with cgo, the library in the same process; see call.h.
package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>

static int32_t (*add)(int32_t, int32_t);

static int load(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);

	add = library ? (int32_t (*)(int32_t, int32_t))dlsym(library, "ts_add") : 0;
	return add != 0;
}

static int32_t call(int32_t a, int32_t b)
{
	return add(a, b);
}
*/
import "C"

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"example/textstat"
)

const batch = 64

func measure(add func(a, b int32) (int32, error), calls int) error {
	for i := int32(0); i < int32(calls/10); i++ {
		if sum, err := add(i, 1); err != nil || sum != i+1 {
			return fmt.Errorf("ts_add(%d, 1) is %d, %v", i, sum, err)
		}
	}
	took := make([]int64, calls)
	for i := range took {
		began := time.Now()
		add(int32(i), 1)
		took[i] = time.Since(began).Nanoseconds()
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	p50, p99 := took[calls/2], took[calls/100*99]
	batches := make([]int64, calls/batch)
	for i := range batches {
		began := time.Now()
		for j := int32(0); j < batch; j++ {
			add(j, 1)
		}
		batches[i] = time.Since(began).Nanoseconds()
	}
	sort.Slice(batches, func(i, j int) bool { return batches[i] < batches[j] })
	fmt.Printf("{\"p50\": %d, \"p99\": %d, \"batch\": %.2f}\n", p50, p99,
		float64(batches[len(batches)/2])/batch)
	return nil
}

func run() error {
	calls, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	if os.Args[1] == "cgo" {
		if C.load(C.CString(os.Args[3])) == 0 {
			return fmt.Errorf("%s cannot be loaded", os.Args[3])
		}
		return measure(func(a, b int32) (int32, error) {
			return int32(C.call(C.int32_t(a), C.int32_t(b))), nil
		}, calls)
	}
	ts, err := textstat.Open("text_c")
	if err != nil {
		return err
	}
	return measure(ts.TsAdd, calls)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
