package rhodes;

import java.util.ArrayList;
import java.util.List;

/** A plain C type with its layout, read from a canonical text (docs/interface-text.md). */
final class Shape {
    enum Kind { INT, UINT, FLOAT, STRUCT, UNION, ARRAY }

    /** A member; width 0: it is no bit-field. */
    record Field(String name, int offset, int bit, int width, Shape shape) { }

    final Kind kind;
    final int size;         // bytes
    final String name;      // of a struct or union, "" without
    final List<Field> fields;
    final int count;        // of an array
    final Shape element;

    private Shape(Kind kind, int size, String name, List<Field> fields, int count, Shape element) {
        this.kind = kind;
        this.size = size;
        this.name = name;
        this.fields = fields;
        this.count = count;
        this.element = element;
    }

    /** A number of that kind. */
    static Shape number(Kind kind, int size) {
        return new Shape(kind, size, "", List.of(), 0, null);
    }

    /** The plain type in the type of a parameter; what stands around it is passed over. */
    static Shape parse(String type) {
        String plain = type.replaceFirst("^(in|out|inout) ", "").replaceFirst("\\?$", "");
        Reader reader = new Reader(plain);
        Shape shape = reader.type();
        if (reader.at != plain.length())
            throw RhodesError.mismatch("%s is no plain type", type);
        return shape;
    }

    boolean isRecord() {
        return kind == Kind.STRUCT || kind == Kind.UNION;
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        private boolean take(String word) {
            boolean is = text.startsWith(word, at);
            if (is)
                at += word.length();
            return is;
        }

        private void want(String word) {
            if (!take(word))
                throw RhodesError.mismatch("%s: '%s' is missing at %d", text, word, at);
        }

        private int number() {
            int start = at;
            while (at < text.length() && Character.isDigit(text.charAt(at)))
                at++;
            if (at == start)
                throw RhodesError.mismatch("%s: a number is missing at %d", text, at);
            return Integer.parseInt(text.substring(start, at));
        }

        private String until(char end) {
            int start = at;
            at = text.indexOf(end, start);
            if (at < 0)
                throw RhodesError.mismatch("%s: '%s' is missing", text, end);
            return text.substring(start, at);
        }

        Shape type() {
            Shape shape;
            if (take("struct "))
                shape = members(Kind.STRUCT);
            else if (take("union "))
                shape = members(Kind.UNION);
            else if (take("i"))
                shape = Shape.number(Kind.INT, number() / 8);
            else if (take("u"))
                shape = Shape.number(Kind.UINT, number() / 8);
            else if (take("f"))
                shape = Shape.number(Kind.FLOAT, number() / 8);
            else
                throw RhodesError.mismatch("%s: no plain type at %d", text, at);
            List<Integer> counts = new ArrayList<>();
            while (take("[")) {
                counts.add(number());
                want("]");
            }
            for (int count : counts) // the innermost comes first: T[3][4] is four times T[3]
                shape = new Shape(Kind.ARRAY, shape.size * count, "", List.of(), count, shape);
            return shape;
        }

        private Shape members(Kind kind) {
            String name = until('{');
            List<Field> fields = new ArrayList<>();
            at++;
            while (!take("}")) {
                Shape shape = type();
                want(" ");
                String field = until('@');
                at++;
                int offset = number(), bit = 0, width = 0;
                if (take(".")) {
                    bit = number();
                    want(":");
                    width = number();
                }
                fields.add(new Field(field, offset, bit, width, shape));
                take(";");
            }
            want(":");
            return new Shape(kind, number(), name, List.copyOf(fields), 0, null);
        }
    }
}
