package rhodes;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a callee offers: its tables, as Native.describe writes them. */
final class Interface {
    enum Kind { VOID, INT, UINT, FLOAT, STRUCT, STRING, PATH, BYTES, HANDLE, FD }

    enum Direction { IN, OUT, INOUT }

    static final int POINTER = 1, NULLABLE = 2, DESTROYS = 8, TRANSFER = 16, CREATES = 64;
    static final int EVENT = 1 << 7; // of a function
    static final int NO_PARAM = 0xff, USED_RETURN = 0xfe;

    /** As struct rh_param of model/interface.h. */
    record Param(String function, String name, String type, Kind kind, Direction direction, int flags,
                 int length, int used, int handle, int mirror, int size) {
        /** What an error says of it. */
        String label() {
            return function + ": " + (name.isEmpty() ? "the result" : name);
        }

        boolean is(int flag) {
            return (flags & flag) != 0;
        }

        boolean goesIn() {
            return direction != Direction.OUT;
        }

        boolean comesOut() {
            return direction != Direction.IN;
        }

        /** Bytes of one element of BYTES. */
        int element() {
            return Math.max(1, size);
        }
    }

    record Function(int index, String name, int flags, List<Param> params, Param result) {
        boolean isEvent() {
            return (flags & EVENT) != 0;
        }

        /** One line of its C types, for messages. */
        String text() {
            StringBuilder text = new StringBuilder(name);
            for (Param param : params)
                text.append(", ").append(param.type).append('|').append(param.name);
            return text.append(", ").append(result.type).toString();
        }
    }

    /** A type of objects in the callee; destructor: index of the function, or -1. */
    record HandleType(String name, int destructor) { }

    final String name;
    final List<Function> functions = new ArrayList<>();
    final List<HandleType> handles = new ArrayList<>();

    /** A line each, its words separated by tabs: I name; H name destructor; F name flags; then for each
     *  parameter P and for the result R: name type kind direction flags ... */
    Interface(String described) {
        String title = "";
        String function = null;
        int flags = 0;
        List<Param> params = new ArrayList<>();
        for (String line : described.split("\n")) {
            String[] words = line.split("\t", -1);
            switch (words[0]) {
            case "I" -> title = words[1];
            case "H" -> handles.add(new HandleType(words[1], Integer.parseInt(words[2])));
            case "F" -> {
                function = words[1];
                flags = Integer.parseInt(words[2]);
                params = new ArrayList<>();
            }
            case "P" -> params.add(param(function, words));
            default -> functions.add(new Function(functions.size(), function, flags,
                    List.copyOf(params), param(function, words)));
            }
        }
        name = title;
    }

    private static Param param(String function, String[] words) {
        int[] numbers = new int[8];
        for (int i = 0; i < numbers.length; i++)
            numbers[i] = Integer.parseInt(words[3 + i]);
        return new Param(function, words[1], words[2], Kind.values()[numbers[0]],
                Direction.values()[numbers[1]], numbers[2], numbers[3], numbers[4], numbers[5],
                numbers[6], numbers[7]);
    }

    /** The function called so, or as Java writes it: nameLen is name_len, and text_stat_name_len
     *  or its like when the interface is libtextstat.  null: none. */
    Function find(String wanted) {
        for (Function function : functions) {
            if (function.name.equals(wanted))
                return function;
        }
        String plain = plain(wanted), own = plain(name.replaceFirst("^lib", ""));
        for (String each : new String[] {plain, own + plain}) {
            for (Function function : functions) {
                if (plain(function.name).equals(each))
                    return function;
            }
        }
        return null;
    }

    /** A name without what differs between C and Java. */
    static String plain(String name) {
        return name.replace("_", "").toLowerCase(Locale.ROOT);
    }
}
