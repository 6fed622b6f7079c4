// A program that imports a package, as any does.
package main

import (
	"fmt"

	"pure/textstat"
)

func main() {
	few := make([]byte, 3)
	count := textstat.TsFill(few, 2)
	number, err := textstat.TsParse("-42")
	fmt.Println(textstat.TsAdd(2, 3), textstat.TsUpper("café"), number, err, count, few, textstat.Own())
}
