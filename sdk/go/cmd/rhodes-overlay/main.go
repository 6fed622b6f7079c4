// Rhodes-overlay makes a package of pure Go a governed resource, for programs that import it
// and do not know:
//
//	rhodes-overlay -side FILE.side -o FOLDER PACKAGE
//	go build -overlay FOLDER/overlay.json ...
//
// PACKAGE is the folder of a package.  Each of its exported functions that has the name of a
// function of the interface (CountWords or TextstatCountWords for textstat_count_words) and
// takes and returns what that does gets a body that calls the callee; others stay.  Where a
// function returns an error at its end a failed call is that error, else it panics.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

// target is the package that is overlaid, as go list tells it.
type target struct {
	Dir, Name string
	GoFiles   []string
}

type tool struct {
	side, folder, rhodes string
	target               target
	binding              string                   // name of the generated package
	methods              map[string]*ast.FuncType // of its client
	replaced             map[string]string        // overlay.json
	count                int
}

func run(name string, words ...string) ([]byte, error) {
	command := exec.Command(name, words...)
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, said.String())
	}
	return output, nil
}

func text(node any) string {
	var out bytes.Buffer
	if printer.Fprint(&out, token.NewFileSet(), node) != nil {
		return "?"
	}
	return out.String()
}

// flatten gives each parameter or result a line of its own.
func flatten(list *ast.FieldList) (types []string, names []string) {
	if list == nil {
		return
	}
	for _, field := range list.List {
		for i := 0; i == 0 || i < len(field.Names); i++ {
			types = append(types, text(field.Type))
			if len(field.Names) > 0 {
				names = append(names, field.Names[i].Name)
			} else {
				names = append(names, "")
			}
		}
	}
	return
}

// bind writes the binding and reads its client.
func (t *tool) bind() error {
	source, err := run(t.rhodes, "interface", "bind", t.side, "--language", "go")
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), "binding.go", source, 0)
	if err != nil {
		return err
	}
	t.binding, t.methods = file.Name.Name, map[string]*ast.FuncType{}
	for _, declared := range file.Decls {
		if function, is := declared.(*ast.FuncDecl); is && function.Recv != nil &&
			text(function.Recv.List[0].Type) == "*Client" && function.Name.IsExported() {
			t.methods[function.Name.Name] = function.Type
		}
	}
	folder := filepath.Join(t.folder, "binding", t.binding)
	if err = os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err = os.WriteFile(filepath.Join(folder, t.binding+".go"), source, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.folder, "binding", "go.mod"),
		[]byte("module "+bindings+"\n\ngo 1.19\n\nrequire rhodes v0.0.0\n"), 0o644)
}

// write puts a file into the folder, and says what it stands for.
func (t *tool) write(name string, content []byte, stands string) error {
	path := filepath.Join(t.folder, name)
	t.replaced[stands] = path
	return os.WriteFile(path, content, 0o644)
}

// bindings is the module of the generated package.
const bindings = "rhodes.binding"

// module says in the program's go.mod where the package rhodes and the binding are.
func (t *tool) module() error {
	output, err := run("go", "list", "-m", "-f", "{{.GoMod}}")
	if err != nil {
		return err
	}
	path := strings.TrimSpace(string(output))
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, self, _, _ := runtime.Caller(0)
	source = append(source, fmt.Sprintf("\nrequire (\n\trhodes v0.0.0\n\t%s v0.0.0\n)\n\n"+
		"replace (\n\trhodes => %s\n\t%s => %s\n)\n", bindings,
		filepath.Join(filepath.Dir(self), "..", ".."), bindings, filepath.Join(t.folder, "binding"))...)
	return t.write("go.mod", source, path)
}

var numbers = map[string]bool{"int": true, "int8": true, "int16": true, "int32": true, "int64": true,
	"uint": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true, "byte": true,
	"rune": true}

// into converts the program's value to the binding's type; "" where that cannot be.
func into(name, from, to string) string {
	switch {
	case from == to || from == "[]byte" && to == "[]uint8":
		return name
	case from == "bool" && to == "uint8":
		return "rhodes.Bool(" + name + ")"
	case from == "string" && to == "*string":
		return "&" + name
	case numbers[from] && numbers[to]:
		return "rhodes.Narrow[" + to + "](" + name + ")"
	case strings.HasPrefix(from, "float") && to == "float64":
		return "float64(" + name + ")"
	}
	return ""
}

// back converts what came to the program's type.
func back(name, from, to string) string {
	switch {
	case from == to || from == "[]uint8" && to == "[]byte":
		return name
	case from == "uint8" && to == "bool":
		return name + " != 0"
	case from == "*string" && to == "string":
		return "rhodes.String(" + name + ")"
	case numbers[from] && numbers[to]:
		return "rhodes.Narrow[" + to + "](" + name + ")"
	case from == "float32" && to == "float64":
		return "float64(" + name + ")"
	}
	return ""
}

// method is the one for a function of the package.
func (t *tool) method(name string) (string, *ast.FuncType) {
	for _, wanted := range []string{name, strings.Title(t.binding) + name} { //nolint:staticcheck
		if function := t.methods[wanted]; function != nil {
			return wanted, function
		}
	}
	return "", nil
}

// body is what calls the callee, or why there is none.
func (t *tool) body(function *ast.FuncDecl) (body, reason string) {
	name, method := t.method(function.Name.Name)
	if method == nil {
		return "", "the interface has no such function"
	}
	ins, names := flatten(function.Type.Params)
	outs, _ := flatten(function.Type.Results)
	wantedIns, _ := flatten(method.Params)
	wantedOuts, _ := flatten(method.Results)
	wantedOuts = wantedOuts[:len(wantedOuts)-1] // the error
	hasError := len(outs) > 0 && outs[len(outs)-1] == "error"
	if hasError {
		outs = outs[:len(outs)-1]
	}
	if len(ins) != len(wantedIns) || len(outs) != len(wantedOuts) {
		return "", "it takes or returns another number of values"
	}
	var given, got, taken []string
	for i := range ins {
		value := into(names[i], ins[i], wantedIns[i])
		if value == "" || names[i] == "" || names[i] == "_" {
			return "", "parameter " + names[i] + " is " + ins[i] + ", not " + wantedIns[i]
		}
		given = append(given, value)
	}
	for i := range outs {
		variable := "rh" + strconv.Itoa(i)
		value := back(variable, wantedOuts[i], outs[i])
		if value == "" {
			return "", "it returns " + outs[i] + ", not " + wantedOuts[i]
		}
		got, taken = append(got, variable), append(taken, value)
	}
	failure := "panic(rhErr)"
	if hasError {
		taken = append(taken, "nil")
		failure = "return " + strings.Join(append(zeros(outs), "rhErr"), ", ")
	}
	left := strings.Join(append(got, "rhErr"), ", ")
	return fmt.Sprintf("{\n%s := rhodesClient().%s(%s)\nif rhErr != nil {\n%s\n}\nreturn %s\n}",
		left, name, strings.Join(given, ", "), failure, strings.Join(taken, ", ")), ""
}

func zeros(types []string) []string {
	var all []string
	for _, kind := range types {
		all = append(all, "*new("+kind+")")
	}
	return all
}

// used tells the names that selectors of a file begin with.
func used(file *ast.File) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, is := node.(*ast.SelectorExpr); is {
			if name, is := selector.X.(*ast.Ident); is {
				names[name.Name] = true
			}
		}
		return true
	})
	return names
}

// rewrite gives the functions of a file their new bodies.
func (t *tool) rewrite(name string) error {
	path := filepath.Join(t.target.Dir, name)
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return err
	}
	type change struct {
		from, to int
		text     string
	}
	var changes []change
	for _, declared := range file.Decls {
		function, is := declared.(*ast.FuncDecl)
		if !is || function.Recv != nil || !function.Name.IsExported() || function.Body == nil {
			continue
		}
		body, reason := t.body(function)
		if reason != "" {
			fmt.Printf("%s: stays: %s\n", function.Name.Name, reason)
			continue
		}
		fmt.Printf("%s: calls the resource\n", function.Name.Name)
		t.count++
		changes = append(changes, change{set.Position(function.Body.Lbrace).Offset,
			set.Position(function.Body.Rbrace).Offset + 1, body})
	}
	if changes == nil {
		return nil
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].from > changes[j].from })
	for _, one := range changes {
		source = append(source[:one.from:one.from], append([]byte(one.text), source[one.to:]...)...)
	}
	return t.settle(name, source)
}

// settle drops imports that nothing uses any more and adds ours.
func (t *tool) settle(name string, source []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, parser.ParseComments)
	if err != nil {
		return err
	}
	names := used(file)
	for _, imported := range file.Imports {
		path, _ := strconv.Unquote(imported.Path.Value)
		local := path[strings.LastIndex(path, "/")+1:]
		if imported.Name != nil {
			local = imported.Name.Name
		}
		if !names[local] && local != "_" && local != "." {
			imported.Name = ast.NewIdent("_")
		}
	}
	var out bytes.Buffer
	if err := format.Node(&out, set, file); err != nil {
		return err
	}
	source = out.Bytes()
	if names["rhodes"] {
		clause := "package " + file.Name.Name
		at := bytes.Index(source, []byte(clause)) + len(clause)
		source = append(source[:at:at], append([]byte("\n\nimport \"rhodes\"\n"), source[at:]...)...)
	}
	return t.write(name, source, filepath.Join(t.target.Dir, name))
}

const client = `package %s

import (
	"sync"

	binding %q
)

var rhodesOnce sync.Once
var rhodesOpened *binding.Client

// rhodesClient is the callee, opened by the first call.
func rhodesClient() *binding.Client {
	rhodesOnce.Do(func() {
		var err error
		if rhodesOpened, err = binding.Open(binding.Interface); err != nil {
			panic(err)
		}
	})
	return rhodesOpened
}
`

func (t *tool) make(folder string) error {
	listed := exec.Command("go", "list", "-json")
	listed.Dir = folder
	output, err := listed.Output()
	if err != nil {
		return fmt.Errorf("go list in %s: %w", folder, err)
	}
	if err = json.Unmarshal(output, &t.target); err != nil {
		return err
	}
	if err = os.MkdirAll(t.folder, 0o755); err != nil {
		return err
	}
	if err = t.bind(); err != nil {
		return err
	}
	if err = t.module(); err != nil {
		return err
	}
	for _, name := range t.target.GoFiles {
		if err = t.rewrite(name); err != nil {
			return err
		}
	}
	if t.count == 0 {
		return fmt.Errorf("%s: no function of it is one of the interface", folder)
	}
	err = t.write("rhodes_client.go", []byte(fmt.Sprintf(client, t.target.Name, bindings+"/"+t.binding)),
		filepath.Join(t.target.Dir, "rhodes_client.go"))
	if err != nil {
		return err
	}
	overlay, err := json.MarshalIndent(map[string]any{"Replace": t.replaced}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.folder, "overlay.json"), overlay, 0o644)
}

func main() {
	t := &tool{replaced: map[string]string{}}
	flag.StringVar(&t.side, "side", "", "the side file of the interface")
	flag.StringVar(&t.folder, "o", "overlay", "where overlay.json is written")
	flag.StringVar(&t.rhodes, "rhodes", "rhodes", "the program rhodes")
	flag.Parse()
	if t.side == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "Usage: rhodes-overlay -side FILE.side [-o FOLDER] [-rhodes PROGRAM] PACKAGE")
		os.Exit(2)
	}
	t.folder, _ = filepath.Abs(t.folder)
	if err := t.make(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "rhodes-overlay:", err)
		os.Exit(1)
	}
}
