// A service with a function for each kind of type, from Go: random values, 64 goroutines, what
// is left afterwards, and a callee that ends.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand"
	"os"
	"rhodes"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"program/kinds"
)

const goroutines = 64

// must ends the program when something is not so.
func must(is bool, what string, values ...any) {
	if !is {
		fmt.Println("not so:", what, values)
		os.Exit(1)
	}
}

// want is what a call must answer.
func want[T any](value T, err error) T {
	must(err == nil, "a call", err)
	return value
}

func numbers(k *kinds.Client, random *rand.Rand) {
	n := random.Uint64()
	must(want(k.I8(int8(n))) == int8(n) && want(k.U8(uint8(n))) == uint8(n), "8 bits", n)
	must(want(k.I16(int16(n))) == int16(n) && want(k.U16(uint16(n))) == uint16(n), "16", n)
	must(want(k.I32(int32(n))) == int32(n) && want(k.U32(uint32(n))) == uint32(n), "32", n)
	must(want(k.I64(int64(n))) == int64(n) && want(k.U64(n)) == n, "64", n)
	must(math.Float64bits(want(k.F64(math.Float64frombits(n)))) == n, "f64", n)
	quotient, rest, err := k.Divide(int32(n), 7)
	must(err == nil && quotient == int32(n)/7 && rest == int32(n)%7, "divide", n)
	before, after, err := k.Count(int32(n))
	must(err == nil && before == int32(n) && after == int32(n)+1, "count", n)
}

func text(random *rand.Rand) string {
	var made strings.Builder
	for i := random.Intn(300); i > 0; i-- {
		made.WriteByte(byte(random.Intn(255) + 1)) // no UTF-8, mostly
	}
	return made.String()
}

func texts(k *kinds.Client, random *rand.Rand) {
	some := text(random)
	must(rhodes.String(want(k.Text(some))) == some, "text", some)
	must(rhodes.String(want(k.NewText(some))) == some+some, "new text", some)
	must(want(k.TextLength(&some)) == int32(len(some)), "length", some)
	must(want(k.TextLength(nil)) == -1, "NULL")
	nul := "a\x00b"
	_, err := k.Text(nul)
	must(err != nil && strings.HasSuffix(err.Error(), "kinds_text: text holds a NUL"), "NUL", err)
	_, err = k.TextLength(&nul)
	must(err != nil && strings.HasSuffix(err.Error(), "kinds_text_length: text holds a NUL"), "NUL", err)
	room := make([]byte, random.Intn(300))
	all, used, err := k.Fill(some, room)
	must(err == nil && int(all) == len(some) && int(used) <= len(room), "fill", all, used)
	must(string(room[:used]) == some[:used], "fill", some)
}

func buffers(k *kinds.Client, random *rand.Rand) {
	data := make([]byte, []int{0, 1, 100, 5000, 70000}[random.Intn(5)])
	random.Read(data)
	wanted, sum := make([]byte, len(data)), uint64(0)
	for i, c := range data {
		sum += uint64(c)
		wanted[i] = c + 1
	}
	must(want(k.Sum(data)) == sum, "sum")
	must(want(k.Raise(data)) == int32(len(data)) && bytes.Equal(data, wanted), "raise")
	many, all := make([]int32, random.Intn(3000)), int64(0)
	for i := range many {
		many[i] = int32(random.Uint32())
		all += int64(many[i])
	}
	must(want(k.Sum32(many)) == all, "sum of numbers")
	for size := uint64(0); size < 7; size++ {
		peeked := want(k.Peek(size))
		must(peeked != nil && bytes.HasPrefix([]byte{3, 1, 4, 1, 5}, peeked), "peek", size, peeked)
	}
}

func structs(k *kinds.Client, random *rand.Rand) {
	var plain kinds.Plain
	plain.SetTag([3]uint8{1, 2, uint8(random.Intn(256))})
	plain.SetLow(int32(random.Intn(31)) - 16)
	plain.SetHigh(uint32(random.Intn(2047)))
	plain.SetWeight(float64(random.Intn(1000)) / 4)
	plain.SetAt([2]kinds.Point{{X: int16(random.Intn(999)), Y: -1}, {X: 5, Y: -7}})
	plain.SetBig(random.Uint64())
	turned := want(k.Plain(plain))
	tag, at := plain.GetTag(), turned.GetAt()
	must(turned.GetTag() == [3]uint8{tag[2], 2, 1}, "tag")
	must(turned.GetLow() == plain.GetLow()+1 && turned.GetHigh() == plain.GetHigh()+1, "bits")
	must(turned.GetWeight() == plain.GetWeight()+1 && turned.GetBig() == plain.GetBig()+1, "weight")
	must(at[0].X == plain.GetAt()[0].X+1 && at[1] == kinds.Point{X: 5, Y: -6}, "points", at)
	low, again, err := k.Turn(plain)
	must(err == nil && low == turned.GetLow() && again == turned, "turn")
	must(want(k.Check(&plain)) == plain.GetLow() && want(k.Check(nil)) == -100, "check")
}

func objects(k *kinds.Client, random *rand.Rand) {
	number := int32(random.Uint32())
	pot := want(k.Pot(number))
	_, other, err := k.PotPour(pot)
	must(err == nil && want(k.PotGet(other)) == number, "pour")
	must(pot.Close() == nil && other.Close() == nil && pot.Close() == nil, "close")
	_, err = k.PotGet(pot)
	must(errors.Is(err, rhodes.ErrClosed), "an object that is closed", err)
}

func round(k *kinds.Client, random *rand.Rand) {
	numbers(k, random)
	texts(k, random)
	buffers(k, random)
	structs(k, random)
	objects(k, random)
}

func many(k *kinds.Client) {
	var group sync.WaitGroup
	for seed := int64(0); seed < goroutines; seed++ {
		group.Add(1)
		go func(seed int64) {
			defer group.Done()
			random := rand.New(rand.NewSource(seed))
			for i := 0; i < 20; i++ {
				round(k, random)
			}
		}(seed)
	}
	group.Wait()
}

// left tells descriptors of this process; threads of Go stay, and their pages with them.
func left() int { return len(want(os.ReadDir("/proc/self/fd"))) }

// leave does rounds of four calls, as tests/system/leaks.py asks for them.
func leave(k *kinds.Client) {
	runtime.LockOSThread() // each thread has a page
	var rounds int32
	for n, _ := fmt.Scan(&rounds); n == 1; n, _ = fmt.Scan(&rounds) {
		for i := int32(0); i < rounds; i++ {
			must(want(k.I32(i)) == i && rhodes.String(want(k.NewText("text"))) == "texttext", "a round")
			must(want(k.Pot(i)).Close() == nil, "close")
		}
		fmt.Println(want(k.Pots()))
	}
}

func main() {
	k := want(kinds.Open("kinds"))
	if len(os.Args) > 1 {
		leave(k)
		return
	}
	var errno rhodes.Errno
	must(want(k.WithErrno(&errno).Fail(13)) == -1 && errors.Is(errno, fs.ErrPermission), "errno", errno)
	must(want(k.WithErrno(&errno).I32(5)) == 5 && errno == 0, "no errno", errno)
	_, err := k.WithErrno(&errno).Read(nil)
	must(err == nil && errno == rhodes.Errno(syscall.EINVAL), "errno with bytes", err, errno)
	many(k)
	before, random := left(), rand.New(rand.NewSource(6))
	for i := 0; i < 300; i++ {
		round(k, random)
	}
	must(want(k.Pots()) == 0, "no objects stay in the callee")
	must(left() <= before, "no descriptors stay", before, left())
	pot := want(k.Pot(1))
	_, err = k.Die()
	var failure *rhodes.Error
	must(errors.Is(err, rhodes.ErrLost) && errors.As(err, &failure) && failure.Ran, "lost", err)
	_, err = k.PotGet(pot)
	must(err != nil, "an object does not outlive its process")
	pot.Close()
	round(k, random) // in the next one
	_, err = kinds.Open("nobody")
	must(errors.Is(err, rhodes.ErrRefused), "nobody", err)
	fmt.Println("ok")
}
