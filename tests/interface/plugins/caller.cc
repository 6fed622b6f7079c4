/* C++: templates, lambdas, members; and functions of the same name that are others. */
#include "own.h"

#include <cstdio>

namespace other {
int calc_add(int a, int b) { return a * b; }
}

struct Calc {
	static int calc_twice(int a) { return 3 * a; }
	int inside(int a) { return ::calc_twice(a); }
};

template <class T> T by_template(T a) { return calc_twice(a); }

int main()
{
	auto lambda = [](int a) { return calc_add(a, a); };

	std::printf("%d %d %d %d %d %d\n", calc_twice(4), by_template(5), lambda(6),
	            Calc().inside(7), Calc::calc_twice(8), other::calc_add(2, 3));
	return 0;
}
