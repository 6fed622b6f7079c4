// Storm calls from many goroutines while its callee is killed again and again;
// storm_test.py drives it.
//
//	storm RESOURCE GOROUTINES
//
// It prints "started" when each has called once, calls until standard input ends, and then
// "ok N lost N", or what went wrong and 1.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"rhodes"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"program/textstat"
)

var calls, lost, ends atomic.Int32

func round(ts *textstat.Client, number int32, kept *textstat.TsDoc) error {
	if sum, err := ts.TsAdd(number, 1); err != nil || sum != number+1 {
		return first(err, "add")
	}
	if text, err := ts.TsRepeat("ab", 500); err != nil || *text != strings.Repeat("ab", 500) {
		return first(err, "repeat")
	}
	title := "storm"
	doc, err := ts.TsDocOpen(&title)
	if err != nil {
		return err
	}
	defer doc.Close()
	if size, err := ts.TsDocAdd(doc, "four"); err != nil || size != 4 {
		return first(err, "doc add")
	}
	if said, err := ts.TsDocTitle(doc); err != nil || *said != title {
		return first(err, "title")
	}
	_, err = ts.TsDocAdd(kept, "x")
	return err
}

func first(err error, what string) error {
	if err != nil {
		return err
	}
	return errors.New(what + " is wrong")
}

// open answers an object, once there is a callee.
func open(ts *textstat.Client) (*textstat.TsDoc, error) {
	for {
		doc, err := ts.TsDocOpen(nil)
		if !errors.Is(err, rhodes.ErrLost) {
			return doc, err
		}
		lost.Add(1)
	}
}

func run(ts *textstat.Client, started *sync.WaitGroup) error {
	kept, err := open(ts)
	started.Done()
	for number := int32(0); err == nil && ends.Load() == 0; number++ {
		calls.Add(1)
		if err = round(ts, number, kept); errors.Is(err, rhodes.ErrLost) {
			lost.Add(1)
			kept.Close()
			kept, err = open(ts)
		}
	}
	if err == nil {
		var sum int32
		if sum, err = ts.TsAdd(4, 5); err == nil && sum != 9 {
			err = errors.New("add is wrong")
		}
	}
	return err
}

func main() {
	ts, err := textstat.Open(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	count, _ := strconv.Atoi(os.Args[2])
	var started sync.WaitGroup
	started.Add(count)
	done := make(chan error)
	for i := 0; i < count; i++ {
		go func() { done <- run(ts, &started) }()
	}
	started.Wait()
	fmt.Println("started")
	io.ReadAll(os.Stdin)
	ends.Store(1)
	for i := 0; i < count; i++ {
		if failed := <-done; failed != nil {
			fmt.Println(failed)
			err = failed
		}
	}
	if err != nil {
		os.Exit(1)
	}
	fmt.Printf("ok %d lost %d\n", calls.Load(), lost.Load())
}
