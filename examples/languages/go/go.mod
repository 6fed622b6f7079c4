module example

go 1.19

require rhodes v0.0.0

replace rhodes => ../../../sdk/go
