package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.BitSet;

/** Structs as records, as objects with fields of the same names, or as Struct; arrays. */
final class StructCodec {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
    private static final MethodType PUT = MethodType.methodType(void.class, Frame.class, int.class,
            Object.class);
    private static final MethodType GET = MethodType.methodType(Object.class, Frame.class,
            int.class);

    private StructCodec() {
    }

    static Codec of(Shape shape, Class<?> type) {
        if (type == Struct.class)
            return dynamic(shape);
        if (type.isRecord())
            return record(shape, type);
        if (type.isPrimitive() || type.isArray() || type.isInterface()
                || Modifier.isAbstract(type.getModifiers()) || type == String.class)
            throw RhodesError.mismatch("%s is no class for struct %s", type.getName(), shape.name);
        return object(shape, type);
    }

    private static MethodHandles.Lookup inside(Class<?> type) throws IllegalAccessException {
        return MethodHandles.privateLookupIn(type, LOOKUP);
    }

    private static Shape.Field field(Shape shape, String name, Class<?> type) {
        for (Shape.Field field : shape.fields) {
            if (Interface.plain(field.name()).equals(Interface.plain(name)))
                return field;
        }
        throw RhodesError.mismatch("struct %s has no member %s, which %s has", shape.name, name,
                type.getName());
    }

    private static void covers(Shape shape, Class<?> type, int count) {
        if (count != shape.fields.size())
            throw RhodesError.mismatch("struct %s has %d members, %s has %d", shape.name,
                    shape.fields.size(), type.getName(), count);
    }

    /** The codec of a member, with offsets that count from the struct. */
    private static Codec member(Shape.Field field, Class<?> type) {
        if (field.width() > 0) {
            boolean isSigned = field.shape().kind == Shape.Kind.INT;
            Codec wide = new Codec(
                    MethodHandles.insertArguments(bound("putBits", void.class, int.class, int.class,
                            int.class, boolean.class, Frame.class, int.class, long.class), 0,
                            field.offset(), field.bit(), field.width(), isSigned),
                    MethodHandles.insertArguments(bound("getBits", long.class, int.class, int.class,
                            int.class, boolean.class, Frame.class, int.class), 0,
                            field.offset(), field.bit(), field.width(), isSigned));
            return new Codec(
                    MethodHandles.explicitCastArguments(wide.put(),
                            wide.put().type().changeParameterType(2, type)),
                    MethodHandles.explicitCastArguments(wide.get(),
                            wide.get().type().changeReturnType(type)));
        }
        Codec codec = Codec.of(field.shape(), type);
        MethodHandle add = MethodHandles.insertArguments(
                bound("add", int.class, int.class, int.class), 0, field.offset());
        return new Codec(MethodHandles.filterArguments(codec.put(), 1, add),
                MethodHandles.filterArguments(codec.get(), 1, add));
    }

    private static Codec record(Shape shape, Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        MethodHandle put = clearing(shape, type);
        Class<?>[] types = new Class<?>[components.length];
        int[] order = new int[components.length * 2];
        covers(shape, type, components.length);
        try {
            for (int i = 0; i < components.length; i++)
                types[i] = components[i].getType();
            MethodHandle get = inside(type).findConstructor(type,
                    MethodType.methodType(void.class, types));
            for (int i = components.length - 1; i >= 0; i--) {
                Codec codec = member(field(shape, components[i].getName(), type), types[i]);
                MethodHandle value = inside(type).unreflect(components[i].getAccessor());
                put = then(put, MethodHandles.filterArguments(codec.put(), 2, value));
                get = MethodHandles.collectArguments(get, i, codec.get());
                order[2 * i + 1] = 1;
            }
            return new Codec(put, MethodHandles.permuteArguments(get,
                    MethodType.methodType(type, Frame.class, int.class), order));
        } catch (ReflectiveOperationException e) {
            throw RhodesError.mismatch("%s cannot be used: %s", type.getName(), e.getMessage());
        }
    }

    private static Codec object(Shape shape, Class<?> type) {
        MethodHandle put = clearing(shape, type), fill = filler(shape, type);
        int count = 0;
        try {
            for (var own : type.getDeclaredFields()) {
                if (Modifier.isStatic(own.getModifiers()))
                    continue;
                Codec codec = member(field(shape, own.getName(), type), own.getType());
                put = then(put, MethodHandles.filterArguments(codec.put(), 2,
                        inside(type).unreflectGetter(own)));
                count++;
            }
            covers(shape, type, count);
            MethodHandle made = MethodHandles.permuteArguments(fill,
                    MethodType.methodType(void.class, type, Frame.class, int.class), 1, 2, 0);
            MethodHandle give = MethodHandles.dropArguments(MethodHandles.identity(type), 1,
                    Frame.class, int.class);
            return new Codec(put, MethodHandles.collectArguments(
                    MethodHandles.foldArguments(give, made), 0,
                    inside(type).findConstructor(type, MethodType.methodType(void.class))));
        } catch (ReflectiveOperationException e) {
            throw RhodesError.mismatch("%s cannot be used: %s", type.getName(), e.getMessage());
        }
    }

    /** (Frame, int, T)void: into the fields of an object that is there, and into their arrays
     *  when these are as long. */
    static MethodHandle filler(Shape shape, Class<?> type) {
        MethodHandle fill = nothing(type);
        try {
            for (var own : type.getDeclaredFields()) {
                if (Modifier.isStatic(own.getModifiers()))
                    continue;
                Shape.Field field = field(shape, own.getName(), type);
                MethodHandle set = inside(type).unreflectSetter(own);
                MethodHandle value = member(field, own.getType()).get();
                if (own.getType() == byte[].class && field.shape().kind == Shape.Kind.ARRAY)
                    fill = then(fill, reusing(field, set, inside(type).unreflectGetter(own)));
                else
                    fill = then(fill, MethodHandles.permuteArguments(
                            MethodHandles.collectArguments(set, 1, value), fill.type(), 2, 0, 1));
            }
        } catch (ReflectiveOperationException e) {
            throw RhodesError.mismatch("%s cannot be filled: %s", type.getName(), e.getMessage());
        }
        return fill;
    }

    private static MethodHandle reusing(Shape.Field field, MethodHandle set, MethodHandle get) {
        MethodHandle bytes = MethodHandles.insertArguments(bound("intoBytes", byte[].class,
                int.class, int.class, Frame.class, int.class, byte[].class), 0, field.offset(),
                field.shape().size);
        MethodHandle value = MethodHandles.filterArguments(bytes, 2, get);
        MethodHandle done = MethodHandles.collectArguments(set, 1, value);
        Class<?> type = get.type().parameterType(0);
        return MethodHandles.permuteArguments(done,
                MethodType.methodType(void.class, Frame.class, int.class, type), 2, 0, 1, 2);
    }

    private static MethodHandle nothing(Class<?> type) {
        return MethodHandles.empty(MethodType.methodType(void.class, Frame.class, int.class, type));
    }

    /** First what zeroes the gaps between members. */
    private static MethodHandle clearing(Shape shape, Class<?> type) {
        BitSet covered = new BitSet(shape.size);
        for (Shape.Field field : shape.fields) {
            if (field.width() == 0 && !field.shape().isRecord())
                covered.set(field.offset(), field.offset() + field.shape().size);
        }
        if (covered.cardinality() == shape.size)
            return nothing(type);
        return MethodHandles.dropArguments(MethodHandles.insertArguments(bound("clear", void.class,
                int.class, Frame.class, int.class), 0, shape.size), 2, type);
    }

    private static MethodHandle then(MethodHandle first, MethodHandle second) {
        return MethodHandles.foldArguments(second, first);
    }

    private static Codec dynamic(Shape shape) {
        String[] names = new String[shape.fields.size()];
        MethodHandle[] puts = new MethodHandle[names.length], gets = new MethodHandle[names.length];
        for (int i = 0; i < names.length; i++) {
            Shape.Field field = shape.fields.get(i);
            Codec codec = member(field, field.width() > 0 ? long.class
                    : Codec.natural(field.shape()));
            names[i] = field.name();
            puts[i] = codec.put().asType(PUT);
            gets[i] = codec.get().asType(GET);
        }
        return new Codec(
                MethodHandles.insertArguments(bound("putStruct", void.class, Shape.class,
                        String[].class, MethodHandle[].class, Frame.class, int.class,
                        Struct.class), 0, shape, names, puts),
                MethodHandles.insertArguments(bound("getStruct", Struct.class, String[].class,
                        MethodHandle[].class, Frame.class, int.class), 0, names, gets));
    }

    /** Bytes as they are. */
    static Codec raw(int size) {
        return new Codec(
                MethodHandles.insertArguments(bound("putBytes", void.class, int.class, Frame.class,
                        int.class, byte[].class), 0, size),
                MethodHandles.insertArguments(bound("getBytes", byte[].class, int.class,
                        Frame.class, int.class), 0, size));
    }

    static Codec array(Shape shape, Class<?> type) {
        if (type == byte[].class && shape.element.size == 1)
            return raw(shape.size);
        if (!type.isArray())
            throw RhodesError.mismatch("%s is no array, as C has it", type.getName());
        Class<?> element = type.getComponentType();
        Codec codec = Codec.of(shape.element, element);
        return new Codec(
                MethodHandles.insertArguments(bound("putArray", void.class, MethodHandle.class,
                        Shape.class, Frame.class, int.class, Object.class), 0,
                        codec.put().asType(PUT), shape)
                        .asType(PUT.changeParameterType(2, type)),
                MethodHandles.insertArguments(bound("getArray", Object.class, MethodHandle.class,
                        Shape.class, Class.class, Frame.class, int.class), 0,
                        codec.get().asType(GET), shape, element)
                        .asType(GET.changeReturnType(type)));
    }

    private static MethodHandle bound(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(StructCodec.class, name,
                    MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the handles above are made of.

    static int add(int offset, int base) {
        return base + offset;
    }

    static void clear(int size, Frame frame, int at) {
        for (int i = 0; i < size; i++)
            frame.memory.put(at + i, (byte) 0);
    }

    private static void fits(int length, int count) {
        if (length > count)
            throw new IllegalArgumentException(length + " elements do not fit in " + count);
    }

    static void putBytes(int size, Frame frame, int at, byte[] bytes) {
        fits(bytes.length, size);
        frame.memory.put(at, bytes);
        if (bytes.length < size)
            clear(size - bytes.length, frame, at + bytes.length);
    }

    static byte[] getBytes(int size, Frame frame, int at) {
        return intoBytes(0, size, frame, at, null);
    }

    static byte[] intoBytes(int offset, int size, Frame frame, int at, byte[] old) {
        byte[] bytes = old != null && old.length == size ? old : new byte[size];
        frame.memory.get(at + offset, bytes);
        return bytes;
    }

    static void putArray(MethodHandle element, Shape shape, Frame frame, int at, Object array)
            throws Throwable {
        int length = Array.getLength(array);
        fits(length, shape.count);
        for (int i = 0; i < length; i++)
            element.invokeExact(frame, at + i * shape.element.size, Array.get(array, i));
        clear((shape.count - length) * shape.element.size, frame,
                at + length * shape.element.size);
    }

    static Object getArray(MethodHandle element, Shape shape, Class<?> type, Frame frame, int at)
            throws Throwable {
        Object array = Array.newInstance(type, shape.count);
        for (int i = 0; i < shape.count; i++)
            Array.set(array, i, (Object) element.invokeExact(frame, at + i * shape.element.size));
        return array;
    }

    static void putStruct(Shape shape, String[] names, MethodHandle[] puts, Frame frame, int at,
                          Struct struct) throws Throwable {
        struct.onlyHas(shape);
        clear(shape.size, frame, at);
        for (int i = 0; i < names.length; i++) {
            Object value = struct.value(names[i]);
            if (value != null)
                puts[i].invokeExact(frame, at, value);
        }
    }

    static Struct getStruct(String[] names, MethodHandle[] gets, Frame frame, int at)
            throws Throwable {
        Struct struct = new Struct();
        for (int i = 0; i < names.length; i++)
            struct.set(names[i], (Object) gets[i].invokeExact(frame, at));
        return struct;
    }

    static void putBits(int offset, int bit, int width, boolean isSigned, Frame frame, int at,
                        long value) {
        if (width < 64) {
            long high = (1L << (isSigned ? width - 1 : width)) - 1;
            Codec.check(isSigned ? -high - 1 : 0, high, value);
        }
        for (int i = 0; i < width; i++) {
            int where = at + offset + (bit + i) / 8, mask = 1 << (bit + i) % 8;
            int old = frame.memory.get(where);
            frame.memory.put(where, (byte) ((value >> i & 1) != 0 ? old | mask : old & ~mask));
        }
    }

    static long getBits(int offset, int bit, int width, boolean isSigned, Frame frame, int at) {
        long value = 0;
        for (int i = 0; i < width; i++) {
            int where = at + offset + (bit + i) / 8;
            value |= (long) (frame.memory.get(where) >> (bit + i) % 8 & 1) << i;
        }
        return isSigned ? value << 64 - width >> 64 - width : value;
    }
}
