/* changed_main - calls functions that become others meanwhile: prints what it is told, a
 * call a line. */
#include "sums.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

template <typename Call>
static void told(Call call)
{
	try {
		call();
	} catch (const rhodes::interface_error &e) {
		std::string text = e.what();

		std::replace(text.begin(), text.end(), '\n', '|');
		std::cout << text << '\n';
	}
}

int main()
{
	rhodes::sums::Client sums("sums");

	std::cout << sums.sums_same(1) << std::endl;
	std::getchar();
	told([&] { sums.sums_add(1, 2); });
	told([&] { sums.sums_add(1, 2); });
	told([&] { sums.sums_gone(1); });
	std::cout << sums.sums_same(3) << std::endl;
}
