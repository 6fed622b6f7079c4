# Shared by ./run, ./test and ./bench: install what is missing, configure, build.
# Source it; it changes to the root of the tree.

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
PYTHON=/usr/bin/python3

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

# The packages of the named groups that are not installed.
missing_packages() {
	local group rest name
	while read -r group rest; do
		case " $* " in *" $group "*) ;; *) continue ;; esac
		for name in $rest; do
			[ "${name%/*}" = "$name" ] || ! command -v "${name#*/}" >/dev/null ||
				continue
			name=${name%/*}
			case "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" in
			installed) ;;
			*) printf '%s ' "$name" ;;
			esac
		done
	done < <(grep -v '^#' ci/packages)
}

# apt-get as root, without a question.  Fails where we are not root, nor by sudo.
apt_get() {
	local as_root=()
	[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# need GROUP...: says what is missing and installs it, or explains why it cannot.
need() {
	command -v dpkg-query >/dev/null ||
		die "this is not a Debian system; Rhodes is built and tested on Debian 12." \
		    "The packages it wants are listed in ci/packages."
	local missing
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	say "Missing Debian packages: $missing"
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null ||
		die "cannot install them: not root, and sudo wants a password." \
		    "Run: sudo apt-get install $missing"
	say "Installing them with apt-get."
	# The lists of a fresh machine may be absent or old: refresh once, then retry.
	# shellcheck disable=SC2086  # a list of package names
	apt_get install -y --no-install-recommends $missing ||
		{ apt_get update && apt_get install -y --no-install-recommends $missing; } ||
		die "apt-get could not install: $missing"
}

# build DIR [meson options] [-- suite...]: configures once, sets the options, compiles all, or
# what the tests of the suites need.
build() {
	local dir=$1 log options=() targets=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
	mkdir -p "$dir"
	log=$dir/build.log
	if [ ! -f "$dir/build.ninja" ]; then
		say "Configuring $dir."
		/usr/bin/meson setup "$dir" "${options[@]}" >"$log" 2>&1 ||
			{ tail -n 40 "$log" >&2; die "configuring $dir failed, see $log"; }
	elif [ ${#options[@]} -gt 0 ] &&
		! /usr/bin/meson configure "$dir" "${options[@]}" >"$log" 2>&1; then
		# A folder from before the option existed.
		/usr/bin/meson setup --reconfigure "$dir" "${options[@]}" >"$log" 2>&1 ||
			{ tail -n 40 "$log" >&2; die "configuring $dir failed, see $log"; }
	fi
	say "Building $dir."
	if [ $# -gt 0 ]; then
		# The list is of the meson files as they are now.
		ninja -C "$dir" build.ninja >"$log" 2>&1 ||
			{ tail -n 60 "$log" >&2; die "configuring $dir failed, see $log"; }
		read -ra targets < <("$PYTHON" ci/targets.py "$dir" "${@:2}")
	fi
	ninja -C "$dir" "${targets[@]}" >"$log" 2>&1 ||
		{ tail -n 60 "$log" >&2; die "building $dir failed, see $log"; }
}
