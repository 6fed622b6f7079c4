module rhodes

go 1.19
