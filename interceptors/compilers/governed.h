/* governed - the functions of an interface, as the compiler plugins know them.
 *
 * Read from canonical text (interface.txt of a built interface): the name that the linker
 * uses, and how many parameters C has.  A reference to such a function is made one to
 * RH_GOVERNED_STUB and its name, which the interface's static archive defines.
 *
 * Threads  One: that of the compiler. */
#ifndef RH_INTERCEPTORS_GOVERNED_H
#define RH_INTERCEPTORS_GOVERNED_H

#include <fstream>
#include <map>
#include <string>

#define RH_GOVERNED_STUB "__wrap_"

struct rh_governed {
	std::map<std::string, unsigned> functions;   /* to the number of parameters */

	/* Whether the file could be read, and names at least one function. */
	bool read(const std::string &path)
	{
		std::ifstream file(path);

		for (std::string line; std::getline(file, line);) {
			size_t comma = line.find(", ");

			if (line.empty() || line[0] == '#' || comma == std::string::npos)
				continue;
			unsigned count = 0;
			for (char c : line)
				count += c == '|';
			functions[line.substr(0, comma)] = count;
		}
		return !functions.empty();
	}

	/* NULL: not governed. */
	const unsigned *find(const std::string &symbol) const
	{
		auto found = functions.find(symbol);

		return found == functions.end() ? nullptr : &found->second;
	}
};

#endif
