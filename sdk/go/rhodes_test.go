package rhodes

import (
	"errors"
	"math/rand"
	"strings"
	"sync"
	"testing"
)

func TestBitsComeBack(t *testing.T) {
	random := rand.New(rand.NewSource(6))
	for i := 0; i < 10000; i++ {
		width := uint(random.Intn(64) + 1)
		first := uint(random.Intn(128 - int(width)))
		var bytes, before [16]byte
		random.Read(bytes[:])
		before = bytes
		value := random.Uint64() & (1<<width - 1)
		if width == 64 {
			value = random.Uint64()
		}
		SetBits(bytes[:], first, width, value)
		if got := Bits(bytes[:], first, width); got != value {
			t.Fatalf("%d bits at %d: %x is not %x", width, first, got, value)
		}
		SetBits(bytes[:], first, width, Bits(before[:], first, width))
		if bytes != before {
			t.Fatalf("%d bits at %d: others changed", width, first)
		}
	}
	if Extend(0x1f, 5) != -1 || Extend(0x0f, 5) != 15 || Extend(1<<63, 64) != -1<<63 {
		t.Error("signs are wrong")
	}
}

func TestNumbersThatDoNotFit(t *testing.T) {
	if _, err := Length[uint8](256); !errors.Is(err, ErrValue) {
		t.Error("256 is a uint8")
	}
	if _, err := Length[int8](128); !errors.Is(err, ErrValue) {
		t.Error("128 is an int8")
	}
	if n, err := Length[int8](127); n != 127 || err != nil {
		t.Error("127 is no int8")
	}
	for _, wrong := range []func(){
		func() { Narrow[int32](int64(1) << 31) }, func() { Narrow[uint64](-1) },
		func() { Narrow[int64](uint64(1) << 63) }, func() { Narrow[int8](uint8(128)) },
	} {
		func() {
			defer func() {
				if err, is := recover().(error); !is || !errors.Is(err, ErrValue) {
					t.Error("a number that does not fit is taken")
				}
			}()
			wrong()
		}()
	}
	if Narrow[int](int32(-5)) != -5 || Narrow[uint8](255) != 255 {
		t.Error("a number that fits changes")
	}
}

func TestObjectsAreThereUntilTaken(t *testing.T) {
	type thing struct{ number int }
	var objects Objects
	var group sync.WaitGroup
	for i := 0; i < 64; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for j := 0; j < 200; j++ {
				one := &thing{i}
				at := objects.Put(one)
				if got, err := objects.Get(at, false); got != one || err != nil || objects.Find(one) != at {
					t.Error("another object")
				}
				if _, err := objects.Take(at, false); err != nil {
					t.Error(err)
				}
				if _, err := objects.Take(at, false); !errors.Is(err, ErrClosed) {
					t.Error("an object is taken twice")
				}
			}
		}(i)
	}
	group.Wait()
	if len(objects.kept) != 0 || len(objects.at) != 0 {
		t.Error("objects stay")
	}
}

func TestKindsOfErrors(t *testing.T) {
	for code, kind := range map[int]error{-1002: ErrLost, -1005: ErrLost, -110: ErrTimeout,
		-1018: ErrRefused, -1012: ErrInterface} {
		if !errors.Is(&Error{Code: code}, kind) {
			t.Errorf("%d is not %v", code, kind)
		}
	}
	if !Stores(nil) || !Stores(Errno(2)) || Stores(ErrLost) {
		t.Error("values are stored otherwise")
	}
}

func TestTextsInFrames(t *testing.T) {
	for _, size := range []int{0, 1, 100, 3000, 5000, 100000} {
		f := NewFrame(256)
		text := make([]byte, size)
		for i := range text {
			text[i] = byte(i%255 + 1)
		}
		if err := f.Text("f: t", 0, 208, string(text)); err != nil {
			t.Fatal(err)
		}
		if got := f.TakeText(208); got == nil || *got != string(text) {
			t.Errorf("a text of %d bytes changes", size)
		}
		nul := "a\x00"
		for _, err := range []error{f.Text("f: t", 0, 208, nul), f.NullableText("f: t", 0, 208, &nul)} {
			if !errors.Is(err, ErrValue) || !strings.HasSuffix(err.Error(), "f: t holds a NUL") {
				t.Error("a NUL is taken", err)
			}
		}
		f.Free()
	}
}
