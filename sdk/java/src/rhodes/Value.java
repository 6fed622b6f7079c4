package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Codecs of parameters: numbers and structs are those of Codec; texts and objects of the callee
 *  are pointers. */
final class Value {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private Value() {
    }

    static Class<?> natural(Interface.Param param) {
        switch (param.kind()) {
        case VOID:
            return void.class;
        case STRING: case PATH:
            return String.class;
        case BYTES:
            return byte[].class;
        case HANDLE:
            return Handle.class;
        case FD:
            return int.class;
        default:
            return Codec.natural(shape(param));
        }
    }

    static Shape shape(Interface.Param param) {
        switch (param.kind()) {
        case INT: case FD:
            return Shape.number(Shape.Kind.INT, param.size() == 0 ? 4 : param.size());
        case UINT:
            return Shape.number(Shape.Kind.UINT, param.size());
        case FLOAT:
            return Shape.number(Shape.Kind.FLOAT, param.size());
        default:
            return Shape.parse(param.type());
        }
    }

    /** Not for BYTES. */
    static Codec codec(Ends ends, Interface.Param param, Class<?> type) {
        switch (param.kind()) {
        case STRING: case PATH:
            return text(ends, param, type);
        case HANDLE:
            return ends.handle(param, type);
        default:
            return Codec.of(shape(param), type);
        }
    }

    /** What differs between who calls and who serves. */
    interface Ends {
        Codec handle(Interface.Param param, Class<?> type);

        /** The address of a text that goes out, and whether what comes in is ours to free. */
        boolean isServing();
    }

    private static Codec text(Ends ends, Interface.Param param, Class<?> type) {
        if (type != String.class && type != byte[].class)
            throw RhodesError.mismatch("%s cannot be a text", type.getName());
        boolean isString = type == String.class, mayBeNull = param.is(Interface.NULLABLE)
                || param.comesOut();
        boolean isOwn = param.is(Interface.TRANSFER);
        MethodHandle put = ends.isServing()
                ? MethodHandles.insertArguments(bound(isString ? "replyText" : "replyRaw",
                        void.class, String.class, boolean.class, Frame.class, int.class, type), 0,
                        param.label(), isOwn)
                : MethodHandles.insertArguments(bound(isString ? "putText" : "putRaw", void.class,
                        String.class, boolean.class, Frame.class, int.class, type), 0,
                        param.label(), mayBeNull);
        MethodHandle get = bound(isString ? "getText" : "getRaw", type, boolean.class, Frame.class,
                int.class);
        return new Codec(put, MethodHandles.insertArguments(get, 0, isOwn && !ends.isServing()));
    }

    static MethodHandle bound(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(Value.class, name, MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the handles above are made of.  label: function and parameter, for errors.

    private static void check(String label, boolean mayBeNull, Object text) {
        if (text == null && !mayBeNull)
            throw new NullPointerException(label + " must not be null");
    }

    static void putText(String label, boolean mayBeNull, Frame frame, int at, String text) {
        check(label, mayBeNull, text);
        frame.memory.putLong(at, text == null ? 0 : frame.put(label, text));
    }

    private static byte[] withoutNul(String label, byte[] text) {
        for (byte each : text) {
            if (each == 0)
                throw Frame.holdsNul(label);
        }
        return text;
    }

    static void putRaw(String label, boolean mayBeNull, Frame frame, int at, byte[] text) {
        check(label, mayBeNull, text);
        frame.memory.putLong(at, text == null ? 0 : frame.put(withoutNul(label, text), 1));
    }

    static void replyText(String label, boolean isOwn, Frame frame, int at, String text) {
        replyRaw(label, isOwn, frame, at, text == null ? null : Frame.encode(label, text));
    }

    static void replyRaw(String label, boolean isOwn, Frame frame, int at, byte[] text) {
        frame.memory.putLong(at, text == null ? 0 : reply(isOwn, withoutNul(label, text), 1));
    }

    /** Memory for the reply with a copy; isOwn: of malloc, as who packs it frees it. */
    static long reply(boolean isOwn, byte[] bytes, int tail) {
        long size = (long) bytes.length + tail;
        long address = isOwn ? Native.allocate(size) : Native.replyMemory(size);
        Native.write(address, bytes, 0, bytes.length);
        if (tail > 0)
            Native.write(address + bytes.length, new byte[tail], 0, tail);
        return address;
    }

    static byte[] getRaw(boolean isOwn, Frame frame, int at) {
        long pointer = frame.memory.getLong(at);
        if (pointer == 0)
            return null;
        byte[] text = frame.text(pointer);
        if (isOwn)
            Native.free(pointer);
        return text;
    }

    static String getText(boolean isOwn, Frame frame, int at) {
        byte[] text = getRaw(isOwn, frame, at);
        return text == null ? null : Frame.decode(text);
    }
}
