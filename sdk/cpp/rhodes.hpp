/* rhodes.hpp - call resources in other processes from C++17, and serve calls.
 *
 * `rhodes interface bind FILE.side --language cpp -o foo.hpp` writes a client, an object for
 * each handle, and a class for servers; that header stands on this one, and this one on
 * librhodes, which knows pages, deadlines and what to do when a callee ends.
 *
 * Threads     Any number may call one client at once.  An object belongs to one at a time.
 * Errors      Exceptions: rhodes::error and what is derived from it.  A value that does not
 *             fit its type is a rhodes::value_error, and nothing was sent.
 * Link with   -lrhodes */
#ifndef RHODES_HPP
#define RHODES_HPP

#include <rhodes-language.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rhodes {

/* Any call that failed; code is the negative one of model/errors.def. */
class error : public std::runtime_error {
public:
	error(int code, const std::string &text)
		: std::runtime_error(text), code_(code), ran_(rh_last_ran() != 0) {}
	int code() const noexcept { return code_; }
	/* Whether the function may have run. */
	bool ran() const noexcept { return ran_; }

private:
	int  code_;
	bool ran_;
};

class lost_error : public error { using error::error; };
class timeout_error : public error { using error::error; };
class refused_error : public error { using error::error; };
class interface_error : public error { using error::error; };

/* What the callee's function raised, in whatever language it is written. */
class raised_error : public error {
public:
	raised_error(int code, const rh_exception &from)
		: error(code, std::string(from.type) + ": " + from.message),
		  language_(from.language), type_(from.type), message_(from.message),
		  stack_(from.stack) {}
	const std::string &language() const noexcept { return language_; }
	const std::string &type() const noexcept { return type_; }
	const std::string &message() const noexcept { return message_; }
	const std::string &stack() const noexcept { return stack_; }

private:
	std::string language_, type_, message_, stack_;
};

class value_error : public std::invalid_argument { using std::invalid_argument::invalid_argument; };

/* Throws the thread's last failure. */
[[noreturn]] inline void fail(int code)
{
	const rh_exception *raised = rh_last_exception();
	std::string         text = rh_last_error();

	switch (-code) {
	case 1002: case 1003: case 1005:
		throw lost_error(code, text);
	case 110:
		throw timeout_error(code, text);
	case 1: case 13: case 1001: case 1004: case 1010: case 1011: case 1018:
		throw refused_error(code, text);
	case 1006: case 1009: case 1012: case 1013:
		throw interface_error(code, text);
	case 1019:
		if (raised)
			throw raised_error(code, *raised);
		break;
	}
	throw error(code, text);
}

/* A stretch of elements that lies elsewhere. */
template <class T> class span {
public:
	constexpr span() noexcept = default;
	constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
	template <class C, class = decltype(std::declval<C &>().data() + std::declval<C &>().size())>
	constexpr span(C &&from) noexcept : data_(from.data()), size_(from.size()) {}
	template <std::size_t N> constexpr span(T (&from)[N]) noexcept : data_(from), size_(N) {}
	constexpr T *data() const noexcept { return data_; }
	constexpr std::size_t size() const noexcept { return size_; }
	constexpr bool empty() const noexcept { return size_ == 0; }
	constexpr T &operator[](std::size_t i) const { return data_[i]; }
	constexpr T *begin() const noexcept { return data_; }
	constexpr T *end() const noexcept { return data_ + size_; }

private:
	T          *data_ = nullptr;
	std::size_t size_ = 0;
};

/* An open descriptor that closes itself. */
class descriptor {
public:
	explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
	descriptor(descriptor &&from) noexcept : fd_(from.release()) {}
	descriptor &operator=(descriptor &&from) noexcept
	{
		if (this != &from) {
			close();
			fd_ = from.release();
		}
		return *this;
	}
	~descriptor() { close(); }
	int get() const noexcept { return fd_; }
	explicit operator bool() const noexcept { return fd_ >= 0; }
	int release() noexcept { return std::exchange(fd_, -1); }

private:
	void close() noexcept
	{
		if (fd_ >= 0)
			::close(fd_);
	}
	int fd_;
};

/* A function of an interface: its name and its canonical text. */
struct function {
	const char *name;
	const char *text;
};

/* Where the functions stand in an interface; all that differ are told at once. */
inline std::vector<unsigned> find_functions(const rh_interface *interface, span<const function> functions)
{
	std::vector<const char *> texts;
	std::vector<unsigned>     indices;

	for (const function &one : functions)
		texts.push_back(one.text);
	int code = rh_language_match(interface, texts.data(), static_cast<unsigned>(texts.size()));
	if (code < 0) {
		std::string difference = rh_language_difference();
		throw interface_error(code, difference.empty() ? rh_last_error() : difference);
	}
	for (const function &one : functions) {
		int index = rh_language_find(interface, one.name);
		if (index < 0)
			fail(index);
		indices.push_back(static_cast<unsigned>(index));
	}
	return indices;
}

/* An interface that a callee offers: what a generated client stands on. */
class library {
public:
	library(std::string_view name, span<const function> functions)
	{
		if (name.find('\0') != name.npos)
			throw value_error("a name holds a NUL");
		int code = rh_language_open(std::string(name).c_str(), &library_);
		if (code < 0)
			fail(code);
		indices_ = find_functions(library_->interface, functions);
	}
	void call(unsigned number, void *const *args, void *ret) const
	{
		int code = rh_language_call(library_, indices_[number], args, ret);
		if (code < 0)
			fail(code);
	}
	/* For destructors: what fails is not told. */
	void try_call(unsigned number, void *const *args, void *ret) const noexcept
	{
		rh_language_call(library_, indices_[number], args, ret);
	}

private:
	rh_stub_library      *library_ = nullptr;
	std::vector<unsigned> indices_;
};

/* A text with a NUL at its end, for the time of a call; a short one needs no heap. */
class text {
public:
	/* place: function and parameter, for errors. */
	text(std::string_view from, const char *place) { set(from, place); }
	text(const std::optional<std::string_view> &from, const char *place)
	{
		if (from)
			set(*from, place);
	}
	text(const text &) = delete;
	text &operator=(const text &) = delete;
	const char *c_str() const noexcept { return at_; }

private:
	void set(std::string_view from, const char *place)
	{
		if (from.find('\0') != from.npos)
			throw value_error(std::string(place) + " holds a NUL");
		char *to = small_;
		if (from.size() >= sizeof small_) {
			large_.reset(new char[from.size() + 1]);
			to = large_.get();
		}
		if (!from.empty())
			std::memcpy(to, from.data(), from.size());
		to[from.size()] = '\0';
		at_ = to;
	}
	const char             *at_ = nullptr;
	std::unique_ptr<char[]> large_;
	char                    small_[120];
};

template <class T> T length(std::size_t size)
{
	if (size > static_cast<std::make_unsigned_t<T>>(std::numeric_limits<T>::max()))
		throw value_error("a span is longer than its parameter can tell");
	return static_cast<T>(size);
}

inline void same_length(std::size_t one, std::size_t other)
{
	if (one != other)
		throw value_error("spans of one length differ in it");
}

/* A pointer that is not NULL, also where there is nothing. */
template <class T> T *place(span<T> bytes)
{
	static std::remove_const_t<T> nothing;

	return bytes.data() || bytes.size() ? bytes.data() : &nothing;
}

inline std::optional<std::string> take_text(char *from, bool is_owned)
{
	if (!from)
		return std::nullopt;
	std::unique_ptr<char, decltype(&std::free)> owner(is_owned ? from : nullptr, &std::free);
	return std::string(from);
}

template <class T> std::optional<std::vector<T>> take_bytes(T *from, std::size_t count, bool is_owned)
{
	if (!from)
		return std::nullopt;
	std::unique_ptr<T, decltype(&std::free)> owner(is_owned ? from : nullptr, &std::free);
	return std::vector<T>(from, from + count);
}

/* --- serving ------------------------------------------------------------------------ */

/* What a server's objects are derived from. */
struct object {
	virtual ~object() = default;
};

/* One that callers look into, where the interface mirrors bytes of it. */
struct mirrored : object {
	/* Fills in what they see; called when a function made or used the object. */
	virtual void mirror(span<unsigned char> bytes) = 0;
};

template <std::size_t N> void show(unsigned parameter, const std::shared_ptr<object> &one)
{
	std::array<unsigned char, N> bytes{};
	mirrored                    *shown = dynamic_cast<mirrored *>(one.get());

	if (!one)
		return;
	if (!shown)
		throw value_error("callers look into this object, which is no rhodes::mirrored");
	shown->mirror(bytes);
	if (rh_language_mirror(parameter, bytes.data(), N) < 0)
		throw value_error(rh_last_error());
}

/* The objects that callers hold.  One that is no longer here is refused. */
class objects {
public:
	void *put(std::shared_ptr<object> one)
	{
		void                               *at = one.get();
		std::unique_lock<std::shared_mutex> lock(mutex_);

		if (at)
			kept_[at] = std::move(one);
		return at;
	}
	void *find(const std::shared_ptr<object> &one) const
	{
		std::shared_lock<std::shared_mutex> lock(mutex_);

		return kept_.count(one.get()) ? one.get() : nullptr;
	}
	std::shared_ptr<object> get(void *at, bool is_nullable) const
	{
		std::shared_lock<std::shared_mutex> lock(mutex_);
		auto                                one = kept_.find(at);

		if (one != kept_.end())
			return one->second;
		if (!at && is_nullable)
			return nullptr;
		throw value_error("there is no such object");
	}
	std::shared_ptr<object> take(void *at, bool is_nullable)
	{
		std::shared_ptr<object>             one = get(at, is_nullable);
		std::unique_lock<std::shared_mutex> lock(mutex_);

		if (one && !kept_.erase(at))
			throw value_error("there is no such object");
		return one;
	}

private:
	mutable std::shared_mutex                            mutex_;
	std::unordered_map<void *, std::shared_ptr<object>> kept_;
};

template <class T> T at(void *const *args, unsigned i)
{
	T value;

	std::memcpy(&value, args[i], sizeof value);
	return value;
}

template <class T> std::optional<T> behind(void *const *args, unsigned i)
{
	void *pointer = at<void *>(args, i);
	T     value;

	if (!pointer)
		return std::nullopt;
	std::memcpy(&value, pointer, sizeof value);
	return value;
}

template <class T> void put(void *const *args, unsigned i, const T &value)
{
	void *pointer = at<void *>(args, i);

	if (pointer)
		std::memcpy(pointer, &value, sizeof value);
}

template <class T> void give(void *ret, const T &value)
{
	if (ret)
		std::memcpy(ret, &value, sizeof value);
}

inline std::optional<std::string_view> text_at(void *const *args, unsigned i)
{
	const char *from = at<const char *>(args, i);

	return from ? std::optional<std::string_view>(from) : std::nullopt;
}

template <class T> span<T> bytes_at(void *const *args, unsigned i, std::size_t count, bool is_nullable)
{
	T *from = at<T *>(args, i);

	if (!from && count > 0 && !is_nullable)
		throw value_error("NULL where there must be bytes");
	return span<T>(from, from ? count : 0);
}

template <class T> T present(std::optional<T> value)
{
	if (!value)
		throw value_error("NULL where there must be a value");
	return *value;
}

inline void *memory(std::size_t bytes, bool is_owned)
{
	void *at = is_owned ? std::malloc(bytes ? bytes : 1) : rh_language_memory(bytes ? bytes : 1);

	if (!at)
		throw std::bad_alloc();
	return at;
}

inline char *leave_text(const std::optional<std::string> &from, bool is_owned)
{
	if (!from)
		return nullptr;
	if (from->find('\0') != from->npos)
		throw value_error("a text holds a NUL");
	return static_cast<char *>(std::memcpy(memory(from->size() + 1, is_owned), from->c_str(),
	                                       from->size() + 1));
}

template <class T> T *leave_bytes(const std::optional<std::vector<T>> &from, bool is_owned)
{
	if (!from)
		return nullptr;
	void *to = memory(from->size() * sizeof(T), is_owned);
	if (!from->empty())
		std::memcpy(to, from->data(), from->size() * sizeof(T));
	return static_cast<T *>(to);
}

inline std::string type_name(const std::exception &of)
{
	int                                         status = 0;
	std::unique_ptr<char, decltype(&std::free)> name(
		abi::__cxa_demangle(typeid(of).name(), nullptr, nullptr, &status), &std::free);

	return name ? name.get() : typeid(of).name();
}

/* "caused by" lines: C++ keeps no stack of what was thrown. */
inline std::string causes(const std::exception &of)
{
	try {
		std::rethrow_if_nested(of);
	} catch (const std::exception &inner) {
		return "caused by " + type_name(inner) + ": " + inner.what() + "\n" + causes(inner);
	} catch (...) {
		return "caused by something that is no std::exception\n";
	}
	return "";
}

inline int raise(const std::string &type, const std::string &message, const std::string &stack)
{
	const rh_exception exception = { "c++", type.c_str(), message.c_str(), stack.c_str() };

	return rh_language_raise(&exception);
}

/* What a generated server is to serve. */
class dispatcher {
public:
	virtual ~dispatcher() = default;
	virtual span<const function> functions() const = 0;
	virtual void invoke(unsigned number, void *const *args, void *ret) = 0;
	std::vector<int> numbers; /* by index in the interface */
};

/* An event of a server: called for the next one, again and again, on a thread of its own,
 * which waits in it; nothing ends it.  It lives as long as the process, beyond the
 * server: what it needs it holds itself. */
template <typename T> using events = std::function<std::optional<T>()>;

/* What a generated server tells. */
class teller {
public:
	virtual ~teller() = default;
	virtual bool next(unsigned number, void *const *args, void *ret) = 0;
	span<const function> functions;
	std::vector<int>     numbers; /* by index in the interface */
};

/* What is thrown is the exception of the call. */
template <typename Body> int guarded(const char *name, Body body)
{
	try {
		return body();
	} catch (const std::exception &e) {
		return raise(type_name(e), e.what(), causes(e) + "in " + name + "\n");
	} catch (...) {
		return raise("unknown", "something that is no std::exception",
		             std::string("in ") + name + "\n");
	}
}

inline int invoke(void *user, unsigned index, void *const *args, void *ret)
{
	dispatcher *to = static_cast<dispatcher *>(user);

	if (index >= to->numbers.size() || to->numbers[index] < 0)
		return -1006; /* RH_EFUNC */
	unsigned number = static_cast<unsigned>(to->numbers[index]);
	return guarded(to->functions()[number].name, [&] {
		to->invoke(number, args, ret);
		return 0;
	});
}

inline int tell(void *user, unsigned index, void *const *args, void *ret)
{
	teller   *from = static_cast<teller *>(user);
	const int ended = -125; /* RH_ECANCELED */

	if (index >= from->numbers.size() || from->numbers[index] < 0)
		return ended;
	unsigned number = static_cast<unsigned>(from->numbers[index]);
	return guarded(from->functions[number].name, [&] {
		return from->next(number, args, ret) ? 0 : ended;
	});
}

/* Serves the interface of the resource that this process runs as until SIGTERM or
 * rh_serve_stop.  Functions that differ are told by name, all at once. */
inline void serve(dispatcher &to, unsigned threads, std::unique_ptr<teller> tells = nullptr)
{
	const rh_interface *interface = nullptr;
	int                 code = rh_language_own(&interface);

	if (code < 0)
		fail(code);
	std::vector<unsigned> indices = find_functions(interface, to.functions());
	to.numbers.assign(interface->function_count, -1);
	for (std::size_t number = 0; number < indices.size(); number++)
		to.numbers[indices[number]] = static_cast<int>(number);
	if (tells) {
		tells->functions = to.functions();
		tells->numbers = to.numbers;
		code = rh_language_events(interface, &rhodes::tell, tells.release());
	}
	if (code >= 0)
		code = rh_language_serve(interface, &rhodes::invoke, &to, threads);
	if (code < 0)
		fail(code);
}

} // namespace rhodes

#endif
