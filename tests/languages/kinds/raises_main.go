// A server that raises, and with an argument the program that calls it.
package main

import (
	"errors"
	"fmt"
	"os"
	"rhodes"
	"strconv"
	"strings"

	"program/raises"
)

type server struct{}

func (server) Error(what string) (int32, error) {
	number, err := strconv.Atoi(what)
	return int32(number), err
}

func (server) Panic(what string) (int32, error) { panic("no " + what) }

func (server) Twice(number int32) (int32, error) { return 2 * number, nil }

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
	fmt.Println("ok")
}

func main() {
	if len(os.Args) > 1 {
		call(os.Args[1])
	} else if err := raises.Serve(server{}, 4); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
