package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.math.BigInteger;

/** How values of a Java class are a C object in a frame.
 *
 *  put  (Frame, int offset, T)void;  get  (Frame, int offset)T */
record Codec(MethodHandle put, MethodHandle get) {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
    private static final BigInteger TWO_64 = BigInteger.ONE.shiftLeft(64);

    Class<?> type() {
        return get.type().returnType();
    }

    /** The Java class that holds every value of that C type. */
    static Class<?> natural(Shape shape) {
        switch (shape.kind) {
        case INT:
            return raw(shape);
        case UINT:
            return shape.size < 4 ? int.class : long.class;
        case FLOAT:
            return shape.size == 4 ? float.class : double.class;
        case ARRAY:
            return shape.element.kind == Shape.Kind.UINT ? raw(shape.element).arrayType()
                    : natural(shape.element).arrayType();
        case UNION:
            return byte[].class;
        default:
            return Struct.class;
        }
    }

    /** The integer class of the same size: elements of arrays of unsigned numbers are raw. */
    private static Class<?> raw(Shape shape) {
        switch (shape.size) {
        case 1: return byte.class;
        case 2: return short.class;
        case 4: return int.class;
        default: return long.class;
        }
    }

    static Codec of(Shape shape, Class<?> type) {
        switch (shape.kind) {
        case INT: case UINT:
            return integer(shape, type);
        case FLOAT:
            return floating(shape, type);
        case ARRAY:
            return StructCodec.array(shape, type);
        case UNION:
            return type == byte[].class ? StructCodec.raw(shape.size)
                    : StructCodec.of(shape, type);
        default:
            return StructCodec.of(shape, type);
        }
    }

    private static RhodesError unfit(Shape shape, Class<?> type) {
        return RhodesError.mismatch("%s cannot be %s%d", type.getName(),
                shape.kind == Shape.Kind.INT ? "i" : shape.kind == Shape.Kind.UINT ? "u" : "f",
                shape.size * 8);
    }

    static Codec integer(Shape shape, Class<?> type) {
        boolean isSigned = shape.kind == Shape.Kind.INT;
        if (type == BigInteger.class && shape.size == 8)
            return isSigned ? pair("putBig", "getBig", type) : pair("putBigUnsigned",
                    "getBigUnsigned", type);
        if (type == boolean.class)
            return integer(shape, int.class).as(pairOf("fromBoolean", "toBoolean", type));
        Class<?> plain = MethodType.methodType(type).unwrap().returnType();
        int width = plain == byte.class ? 1 : plain == short.class || plain == char.class ? 2
                : plain == int.class ? 4 : plain == long.class ? 8 : 0;
        if (width == 0)
            throw unfit(shape, type);
        MethodHandle put = bound("put" + shape.size * 8, void.class, Frame.class, int.class,
                long.class);
        MethodHandle get = bound((isSigned || shape.size == 8 ? "get" : "getU") + shape.size * 8,
                long.class, Frame.class, int.class);
        long low = isSigned ? -1L << (shape.size * 8 - 1) : 0;
        long high = isSigned ? ~low : shape.size == 8 ? Long.MAX_VALUE : (1L << shape.size * 8) - 1;
        boolean isRaw = !isSigned && width == shape.size && plain != char.class;
        MethodHandle widen = MethodHandles.explicitCastArguments(
                MethodHandles.identity(long.class), MethodType.methodType(long.class, plain));
        if (!isRaw && (width > shape.size || !isSigned))
            widen = MethodHandles.filterReturnValue(widen, MethodHandles.insertArguments(
                    bound("check", long.class, long.class, long.class, long.class), 0, low, high));
        MethodHandle narrow = MethodHandles.explicitCastArguments(
                MethodHandles.identity(long.class), MethodType.methodType(long.class, long.class));
        if (!isRaw && width < 8 && (width < shape.size || !isSigned && width == shape.size)) {
            long most = plain == char.class ? 0xffff : (1L << width * 8 - 1) - 1;
            narrow = MethodHandles.insertArguments(
                    bound("check", long.class, long.class, long.class, long.class), 0,
                    plain == char.class ? 0 : -most - 1, most);
        }
        if (!isSigned && shape.size == 8 && width < 8)
            narrow = MethodHandles.insertArguments(
                    bound("check", long.class, long.class, long.class, long.class), 0, 0L,
                    (1L << width * 8 - 1) - 1);
        narrow = MethodHandles.explicitCastArguments(narrow,
                MethodType.methodType(plain, long.class));
        return new Codec(MethodHandles.filterArguments(put, 2, widen),
                MethodHandles.filterReturnValue(get, narrow)).boxed(type);
    }

    static Codec floating(Shape shape, Class<?> type) {
        Class<?> plain = MethodType.methodType(type).unwrap().returnType();
        if (plain != float.class && plain != double.class
                || plain == float.class && shape.size == 8)
            throw unfit(shape, type);
        Class<?> own = shape.size == 4 ? float.class : double.class;
        MethodHandle put = bound(own == float.class ? "putFloat" : "putDouble", void.class,
                Frame.class, int.class, own);
        MethodHandle get = bound(own == float.class ? "getFloat" : "getDouble", own, Frame.class,
                int.class);
        return new Codec(MethodHandles.explicitCastArguments(put, put.type().changeParameterType(2,
                plain)), MethodHandles.explicitCastArguments(get,
                get.type().changeReturnType(plain))).boxed(type);
    }

    private Codec boxed(Class<?> type) {
        return new Codec(put.asType(put.type().changeParameterType(2, type)),
                get.asType(get.type().changeReturnType(type)));
    }

    /** The same for another class, by a pair of conversions: put (T)U, get (U)T. */
    Codec as(Codec conversion) {
        return new Codec(MethodHandles.filterArguments(put, 2, conversion.put),
                MethodHandles.filterReturnValue(get, conversion.get));
    }

    private static Codec pairOf(String put, String get, Class<?> type) {
        return new Codec(bound(put, int.class, type), bound(get, type, int.class));
    }

    static Codec pair(String put, String get, Class<?> type) {
        return new Codec(bound(put, void.class, Frame.class, int.class, type),
                bound(get, type, Frame.class, int.class));
    }

    static MethodHandle bound(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(Codec.class, name, MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the handles above are made of.

    static long check(long low, long high, long value) {
        if (value < low || value > high)
            throw new ArithmeticException(value + " is not between " + low + " and " + high);
        return value;
    }

    static int fromBoolean(boolean value) {
        return value ? 1 : 0;
    }

    static boolean toBoolean(int value) {
        return value != 0;
    }

    static void put8(Frame frame, int at, long value) {
        frame.memory.put(at, (byte) value);
    }

    static void put16(Frame frame, int at, long value) {
        frame.memory.putShort(at, (short) value);
    }

    static void put32(Frame frame, int at, long value) {
        frame.memory.putInt(at, (int) value);
    }

    static void put64(Frame frame, int at, long value) {
        frame.memory.putLong(at, value);
    }

    static long get8(Frame frame, int at) {
        return frame.memory.get(at);
    }

    static long getU8(Frame frame, int at) {
        return frame.memory.get(at) & 0xffL;
    }

    static long get16(Frame frame, int at) {
        return frame.memory.getShort(at);
    }

    static long getU16(Frame frame, int at) {
        return frame.memory.getShort(at) & 0xffffL;
    }

    static long get32(Frame frame, int at) {
        return frame.memory.getInt(at);
    }

    static long getU32(Frame frame, int at) {
        return frame.memory.getInt(at) & 0xffffffffL;
    }

    static long get64(Frame frame, int at) {
        return frame.memory.getLong(at);
    }

    // By their bits: a float that is converted may lose what its NaN says.

    static void putFloat(Frame frame, int at, float value) {
        frame.memory.putInt(at, Float.floatToRawIntBits(value));
    }

    static float getFloat(Frame frame, int at) {
        return Float.intBitsToFloat(frame.memory.getInt(at));
    }

    static void putDouble(Frame frame, int at, double value) {
        frame.memory.putLong(at, Double.doubleToRawLongBits(value));
    }

    static double getDouble(Frame frame, int at) {
        return Double.longBitsToDouble(frame.memory.getLong(at));
    }

    static void putBig(Frame frame, int at, BigInteger value) {
        frame.memory.putLong(at, value.longValueExact());
    }

    static BigInteger getBig(Frame frame, int at) {
        return BigInteger.valueOf(frame.memory.getLong(at));
    }

    static void putBigUnsigned(Frame frame, int at, BigInteger value) {
        if (value.signum() < 0 || value.bitLength() > 64)
            throw new ArithmeticException(value + " is not between 0 and 2^64 - 1");
        frame.memory.putLong(at, value.longValue());
    }

    static BigInteger getBigUnsigned(Frame frame, int at) {
        BigInteger value = BigInteger.valueOf(frame.memory.getLong(at));
        return value.signum() < 0 ? value.add(TWO_64) : value;
    }
}
