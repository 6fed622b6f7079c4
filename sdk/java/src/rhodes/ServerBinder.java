package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;

/** Makes (Frame)void of a method: gets of arguments, the method, puts of what it returns. */
final class ServerBinder {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private final Server server;
    private final Interface.Function function;
    private final Layout layout;

    ServerBinder(Server server, Interface.Function function, Layout layout) {
        this.server = server;
        this.function = function;
        this.layout = layout;
    }

    MethodHandle bind(Object implementation, Method method) {
        try {
            MethodHandle body = MethodHandles.privateLookupIn(method.getDeclaringClass(), LOOKUP)
                    .unreflect(method);
            if (!Modifier.isStatic(method.getModifiers()))
                body = body.bindTo(implementation);
            if (function.isEvent())
                return Events.next(body, results(Events.one(method)));
            List<MethodHandle> gets = arguments(method);
            MethodHandle puts = results(method.getReturnType());
            for (int i = gets.size() - 1; i >= 0; i--)
                body = MethodHandles.collectArguments(body, i, gets.get(i));
            body = MethodHandles.collectArguments(puts, 0, body);
            return MethodHandles.permuteArguments(body,
                    MethodType.methodType(void.class, Frame.class),
                    new int[body.type().parameterCount()]);
        } catch (RhodesInterfaceError e) {
            throw RhodesError.mismatch("differs: %s is not %s: %s", method, function.text(),
                    e.getMessage());
        } catch (IllegalAccessException e) {
            throw RhodesError.mismatch("%s cannot be called: %s", method, e.getMessage());
        }
    }

    private List<MethodHandle> arguments(Method method) {
        List<MethodHandle> gets = new ArrayList<>();
        Class<?>[] types = method.getParameterTypes();
        for (int i = 0; i < function.params().size(); i++) {
            if (!Binder.isVisible(function, i, Binder.Way.RESULTS))
                continue;
            if (gets.size() == types.length)
                throw RhodesError.mismatch("it has too few parameters");
            gets.add(argument(i, function.params().get(i), types[gets.size()]));
        }
        if (gets.size() < types.length)
            throw RhodesError.mismatch("it has too many parameters");
        return gets;
    }

    /** (Frame)T */
    private MethodHandle argument(int i, Interface.Param param, Class<?> type) {
        if (param.kind() == Interface.Kind.BYTES) {
            if (type != byte[].class)
                throw RhodesError.mismatch("%s cannot be bytes", type.getName());
            return MethodHandles.insertArguments(find("bytes", byte[].class, MethodHandle.class,
                    int.class, int.class, Frame.class), 0, length(param), param.element(),
                    layout.cells[i]);
        }
        int at = Layout.isPlaced(param) ? layout.storage[i] : layout.cells[i];
        MethodHandle get = MethodHandles.insertArguments(
                Value.codec(server, param, type).get(), 1, at);
        if (!Layout.isPlaced(param) || type.isPrimitive())
            return get;
        MethodHandle isNull = MethodHandles.insertArguments(find("isNull", boolean.class, int.class,
                Frame.class), 0, layout.cells[i]);
        return MethodHandles.guardWithTest(isNull, MethodHandles.dropArguments(
                MethodHandles.constant(type, null), 0, Frame.class), get);
    }

    /** (Frame)long: elements in a parameter of bytes. */
    private MethodHandle length(Interface.Param param) {
        Interface.Param length = function.params().get(param.length());
        int at = Layout.isPlaced(length) ? layout.storage[param.length()]
                : layout.cells[param.length()];
        return MethodHandles.insertArguments(
                Codec.of(Value.shape(length), long.class).get(), 1, at);
    }

    /** (R, Frame)void, for a method that returns R. */
    private MethodHandle results(Class<?> type) {
        List<MethodHandle> puts = new ArrayList<>(); // (Frame, T)void for each in order
        int count = function.result().kind() == Interface.Kind.VOID ? 0 : 1;
        for (int i = 0; i < function.params().size(); i++)
            count += isResult(i) ? 1 : 0;
        if (count == 0 && type == void.class)
            return MethodHandles.empty(MethodType.methodType(void.class, Frame.class));
        if (type == void.class || count == 0)
            throw RhodesError.mismatch("it returns %s", type == void.class ? "nothing"
                    : "something");
        RecordComponent[] parts = count > 1 && type.isRecord() ? type.getRecordComponents() : null;
        if (count > 1 && (parts == null || parts.length != count))
            throw RhodesError.mismatch("%d values come out, for which %s is no record", count,
                    type.getName());
        int next = 0;
        MethodHandle all = MethodHandles.empty(MethodType.methodType(void.class, Frame.class,
                type));
        // What comes out first, as the result may say how many bytes are used.
        int first = function.result().kind() == Interface.Kind.VOID ? 0 : 1;
        next = first;
        for (int i = 0; i < function.params().size(); i++) {
            if (isResult(i)) {
                Class<?> part = parts == null ? type : parts[next].getType();
                all = then(all, from(type, parts, next++, out(i, function.params().get(i), part)));
            }
        }
        if (first == 1)
            all = then(all, from(type, parts, 0, own(parts == null ? type : parts[0].getType())));
        return MethodHandles.permuteArguments(all,
                MethodType.methodType(void.class, type, Frame.class), 1, 0);
    }

    private boolean isResult(int index) {
        Interface.Param param = function.params().get(index);
        if (!param.comesOut() || function.result().kind() == Interface.Kind.BYTES
                && function.result().used() == index)
            return false;
        for (Interface.Param bytes : function.params()) {
            if (bytes.kind() == Interface.Kind.BYTES && bytes.comesOut() && bytes.used() == index)
                return false;
        }
        return true;
    }

    /** (Frame, R)void of (Frame, T)void: by the record's accessor. */
    private static MethodHandle from(Class<?> type, RecordComponent[] parts, int index,
                                     MethodHandle put) {
        if (parts == null)
            return put;
        try {
            return MethodHandles.filterArguments(put, 1,
                    MethodHandles.privateLookupIn(type, LOOKUP)
                            .unreflect(parts[index].getAccessor()));
        } catch (IllegalAccessException e) {
            throw RhodesError.mismatch("%s cannot be read: %s", type.getName(), e.getMessage());
        }
    }

    private MethodHandle own(Class<?> type) {
        Interface.Param result = function.result();
        if (result.kind() != Interface.Kind.BYTES)
            return MethodHandles.insertArguments(Value.codec(server, result, type).put(), 1,
                    layout.result);
        return MethodHandles.insertArguments(find("giveBytes", void.class, MethodHandle.class,
                int.class, int.class, boolean.class, Frame.class, byte[].class), 0, used(result),
                result.element(), layout.result, result.is(Interface.TRANSFER));
    }

    private MethodHandle out(int i, Interface.Param param, Class<?> type) {
        if (param.kind() == Interface.Kind.BYTES) {
            if (type != byte[].class)
                throw RhodesError.mismatch("%s cannot be bytes", type.getName());
            return MethodHandles.insertArguments(find("fillBytes", void.class, MethodHandle.class,
                    MethodHandle.class, int.class, int.class, Frame.class, byte[].class), 0,
                    length(param), used(param), param.element(), layout.cells[i]);
        }
        return MethodHandles.insertArguments(Value.codec(server, param, type).put(), 1,
                layout.storage[i]);
    }

    /** (Frame, long)void: where the used length is told. */
    private MethodHandle used(Interface.Param param) {
        if (param.used() >= function.params().size())
            return MethodHandles.empty(MethodType.methodType(void.class, Frame.class, long.class));
        return MethodHandles.insertArguments(Codec.of(Value.shape(function.params()
                .get(param.used())), long.class).put(), 1, layout.storage[param.used()]);
    }

    private static MethodHandle then(MethodHandle first, MethodHandle second) {
        return MethodHandles.foldArguments(second, first);
    }

    private static MethodHandle find(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(ServerBinder.class, name,
                    MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the handles above are made of.

    static boolean isNull(int cell, Frame frame) {
        return frame.memory.getLong(cell) == 0;
    }

    static byte[] bytes(MethodHandle length, int element, int cell, Frame frame)
            throws Throwable {
        long pointer = frame.memory.getLong(cell);
        return pointer == 0 ? null
                : frame.bytes(pointer, (long) length.invokeExact(frame) * element);
    }

    static void giveBytes(MethodHandle used, int element, int cell, boolean isOwn, Frame frame,
                          byte[] bytes) throws Throwable {
        frame.memory.putLong(cell, bytes == null ? 0 : Value.reply(isOwn, bytes, 0));
        used.invokeExact(frame, bytes == null ? 0L : (long) (bytes.length / element));
    }

    static void fillBytes(MethodHandle length, MethodHandle used, int element, int cell,
                          Frame frame, byte[] bytes) throws Throwable {
        long pointer = frame.memory.getLong(cell), elements = (long) length.invokeExact(frame);
        long room = pointer == 0 ? 0 : elements * element;
        if (bytes.length > room)
            throw new IllegalArgumentException(bytes.length + " bytes do not fit in " + room);
        if (pointer != 0)
            Native.write(pointer, bytes, 0, bytes.length);
        used.invokeExact(frame, (long) (bytes.length / element));
    }
}
