// Calls functions that become others meanwhile: prints what it is told, a call a line.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"program/sums"
)

func told(_ int32, err error) { fmt.Println(strings.ReplaceAll(err.Error(), "\n", "|")) }

func main() {
	s, err := sums.Open("sums")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Same(1))
	bufio.NewReader(os.Stdin).ReadString('\n')
	told(s.Add(1, 2))
	told(s.Add(1, 2))
	told(s.Gone(1))
	fmt.Println(s.Same(3))
}
