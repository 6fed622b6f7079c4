// A server of objects that programs look into, in Go.
package main

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"program/seen"
)

type tally struct {
	mutex sync.Mutex
	now   [2]int32 // the count, and what was added last
}

func (t *tally) Mirror(bytes []byte) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	copy(bytes, (*[8]byte)(unsafe.Pointer(&t.now))[:])
}

type server struct{}

func (server) New(count int32) (any, error) {
	if count < 0 {
		return &count, nil // what is no Mirrored
	}
	return &tally{now: [2]int32{count, 0}}, nil
}

func (server) Add(object any, by int32) (int32, error) {
	t := object.(*tally)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.now = [2]int32{t.now[0] + by, by}
	return t.now[0], nil
}

func (server) Split(object any) (int32, any, error) {
	t := object.(*tally)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.now[0] /= 2
	return 0, &tally{now: [2]int32{t.now[0], 0}}, nil
}

func (server) Close(any) error { return nil }

func main() {
	if err := seen.Serve(server{}, 4); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
