// A server that raises, and with an argument the program that calls it.
package main

import (
	"errors"
	"fmt"
	"os"
	"rhodes"
	"strconv"
	"strings"
	"syscall"

	"program/raises"
)

type server struct{ whats chan int32 }

func (server) Error(what string) (int32, error) {
	number, err := strconv.Atoi(what)
	return int32(number), err
}

func (server) Panic(what string) (int32, error) { panic("no " + what) }

func (server) Twice(number int32) (int32, error) { return 2 * number, nil }

func (s server) Tell(what, count int32) (int32, error) {
	for i := int32(0); i < count; i++ {
		s.whats <- what
	}
	return count, rhodes.Errno(what)
}

func (s server) Told() <-chan raises.ToldEvent {
	told := make(chan raises.ToldEvent)
	go func() {
		for number := int32(1); ; number++ {
			told <- raises.ToldEvent{What: <-s.whats, Number: number}
		}
	}()
	return told
}

func check(is bool, values ...any) {
	if !is {
		fmt.Println("not so:", values)
		os.Exit(1)
	}
}

func call(name string) {
	r, err := raises.Open(name)
	check(err == nil, err)
	for i := 0; i < 100; i++ {
		var raised *rhodes.RaisedError
		_, err = r.Error("four")
		check(errors.As(err, &raised), err)
		check(raised.Language == "go" && raised.Type == "*strconv.NumError" && raised.Stack != "", raised)
		check(raised.Message == `strconv.Atoi: parsing "four": invalid syntax`, raised.Message)
		_, err = r.Panic("way")
		check(errors.As(err, &raised) && raised.Type == "panic" && raised.Message == "no way", err)
		check(strings.Contains(raised.Stack, "server.Panic"), raised.Stack)
		twice, err := r.Twice(21)
		check(err == nil && twice == 42, err)
	}
	events(r)
	fmt.Println("ok")
}

func events(r *raises.Client) {
	var errno rhodes.Errno
	count, err := r.WithErrno(&errno).Tell(2, 3)
	check(err == nil && count == 3 && errors.Is(errno, syscall.ENOENT), err, errno)
	for i := int32(1); i <= 3; i++ {
		result, what, number, err := r.Told()
		check(err == nil && result == 0 && what == 2 && number == i, err, what, number)
	}
}

// none is for a caller with little patience, as nothing is told.
func none(name string) {
	var failure *rhodes.Error
	r, err := raises.Open(name)
	check(err == nil, err)
	_, _, _, err = r.Told()
	check(errors.As(err, &failure) && failure.Code == -11 && !failure.Ran, err)
	check(failure.Text == "no event raises_told came", failure.Text)
	fmt.Println("none")
}

// tellRaised prints what the callee raised in one line.
func tellRaised(name string) {
	r, err := raises.Open(name)
	check(err == nil, err)
	var raised *rhodes.RaisedError
	_, err = r.Error("four")
	check(errors.As(err, &raised), err)
	stack := 0
	if raised.Stack != "" {
		stack = 1
	}
	fmt.Printf("%s|%s|%s|%d\n", raised.Language, raised.Type, raised.Message, stack)
}

func main() {
	if len(os.Args) > 2 && os.Args[2] == "raised" {
		tellRaised(os.Args[1])
	} else if len(os.Args) > 2 {
		none(os.Args[1])
	} else if len(os.Args) > 1 {
		call(os.Args[1])
	} else if err := raises.Serve(server{make(chan int32, 100)}, 4); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
