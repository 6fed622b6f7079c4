package rhodes;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Makes the handle of a function with given Java types: puts of arguments into a frame, the
 *  call, gets of what came out, as one tree that is compiled as one. */
final class Binder {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    /** Which parameters of C the Java types have. */
    enum Way {
        RESULTS, // what only comes out is returned; lengths of what goes in are those of arrays
        OUT,     // what comes out has a parameter: an array of one, an object, a byte[]
        ALL      // as C has it
    }

    private final Library library;
    private final Interface.Function function;
    private final Layout layout;
    private MethodType type;
    private Way way;
    private int[] places;                     // of parameter i among Java's; -1: it has none
    private final List<MethodHandle> before = new ArrayList<>(); // (Frame, P...)void
    private final List<MethodHandle> rooms = new ArrayList<>();  // when arguments are there
    private final List<MethodHandle> after = new ArrayList<>();
    private final List<Result> results = new ArrayList<>();

    /** Something that is returned: made by (Class) for the class that is wanted. */
    private record Result(Class<?> natural,
                          java.util.function.Function<Class<?>, MethodHandle> make) { }

    Binder(Library library, Interface.Function function) {
        this.library = library;
        this.function = function;
        layout = new Layout(function);
    }

    private static boolean isLength(Interface.Function function, int index) {
        for (Interface.Param param : function.params()) {
            if (param.kind() == Interface.Kind.BYTES && param.length() == index)
                return true;
        }
        return false;
    }

    private static boolean isUsed(Interface.Function function, int index) {
        if (function.result().kind() == Interface.Kind.BYTES
                && function.result().used() == index)
            return true;
        for (Interface.Param param : function.params()) {
            if (param.kind() == Interface.Kind.BYTES && param.comesOut() && param.used() == index)
                return true;
        }
        return false;
    }

    /** Whether Java's parameters have this one of C. */
    static boolean isVisible(Interface.Function function, int index, Way way) {
        Interface.Param param = function.params().get(index);
        if (way == Way.ALL)
            return true;
        boolean isIn = param.direction() == Interface.Direction.IN;
        for (Interface.Param bytes : function.params()) {
            if (bytes.kind() == Interface.Kind.BYTES && bytes.length() == index
                    && (bytes.goesIn() || way == Way.OUT && isIn))
                return !isIn && way == Way.OUT;
        }
        return way == Way.OUT || param.direction() != Interface.Direction.OUT;
    }

    /** Whether it is one of what is returned. */
    static boolean isResult(Interface.Function function, int index) {
        return function.params().get(index).comesOut() && !isUsed(function, index);
    }

    static MethodType natural(Interface.Function function) {
        List<Class<?>> in = new ArrayList<>(), out = new ArrayList<>();
        for (int i = 0; i < function.params().size(); i++) {
            Interface.Param param = function.params().get(i);
            if (isVisible(function, i, Way.RESULTS))
                in.add(boxed(param));
            if (isResult(function, i))
                out.add(boxed(param));
        }
        if (function.result().kind() != Interface.Kind.VOID)
            out.add(Value.natural(function.result()));
        return MethodType.methodType(out.isEmpty() ? void.class : out.size() == 1 ? out.get(0)
                : Object[].class, in);
    }

    /** The natural class; a box where there may be NULL. */
    private static Class<?> boxed(Interface.Param param) {
        Class<?> natural = Value.natural(param);
        return param.is(Interface.POINTER) && param.is(Interface.NULLABLE)
                ? MethodType.methodType(natural).wrap().returnType() : natural;
    }

    MethodHandle bind(MethodType wanted) {
        RhodesInterfaceError first = null;
        for (Way each : ways(wanted)) {
            int count = 0;
            for (int i = 0; i < function.params().size(); i++)
                count += isVisible(function, i, each) ? 1 : 0;
            if (count != wanted.parameterCount())
                continue;
            try {
                return bind(wanted, each);
            } catch (RhodesInterfaceError e) {
                first = first == null ? e : first;
            }
        }
        throw RhodesError.mismatch("%s%s is not %s%s", function.name(), wanted, function.text(),
                first == null ? "" : ": " + first.getMessage());
    }

    /** A method that returns nothing can have what comes out only where its arguments are. */
    private static Way[] ways(MethodType wanted) {
        return wanted.returnType() == void.class ? new Way[] {Way.OUT, Way.RESULTS, Way.ALL}
                : Way.values();
    }

    private MethodHandle bind(MethodType wanted, Way chosen) {
        type = wanted;
        way = chosen;
        before.clear();
        rooms.clear();
        after.clear();
        results.clear();
        places = new int[function.params().size()];
        int next = 0;
        for (int i = 0; i < places.length; i++)
            places[i] = isVisible(function, i, way) ? next++ : -1;
        if (function.result().kind() != Interface.Kind.VOID)
            results.add(own(function.result()));
        for (int i = 0; i < places.length; i++)
            parameter(i, function.params().get(i));
        return assemble();
    }

    private Class<?> class_(int index) {
        return type.parameterType(places[index]);
    }

    private void parameter(int i, Interface.Param param) {
        if (param.kind() == Interface.Kind.BYTES)
            bytes(i, param);
        else if (!Layout.isPlaced(param))
            plain(i, param);
        else if (places[i] < 0)
            hidden(i, param);
        else if (param.direction() == Interface.Direction.IN || way == Way.RESULTS)
            placedIn(i, param);
        else
            holder(i, param);
    }

    /** By value. */
    private void plain(int i, Interface.Param param) {
        if (places[i] < 0)
            return; // a length; what it belongs to stores it
        Class<?> given = class_(i);
        add(before, i, at(Value.codec(library, param, given).put(), layout.cells[i]));
        if (param.is(Interface.DESTROYS) && given == Handle.class)
            add(after, i, MethodHandles.dropArguments(Library.gone(), 0, Frame.class));
    }

    /** In a parameter of C that is a pointer: the value, or null. */
    private void placedIn(int i, Interface.Param param) {
        Class<?> given = class_(i);
        MethodHandle put = at(Value.codec(library, param, given).put(), layout.storage[i]);
        put = then(point(i, given), put);
        if (!given.isPrimitive() && param.is(Interface.NULLABLE))
            put = MethodHandles.guardWithTest(isNull(given),
                    MethodHandles.dropArguments(clear(layout.cells[i]), 1, given), put);
        add(before, i, put);
        if (param.comesOut() && !isUsed(function, i))
            results.add(stored(i, param));
    }

    /** Only comes out, and is returned or a used length. */
    private void hidden(int i, Interface.Param param) {
        before.add(spread(-1, point(i, null)));
        if (param.comesOut() && !isUsed(function, i) && !isLength(function, i))
            results.add(stored(i, param));
    }

    /** Comes out into what the caller gave: an array of one, an array as C has it, an object. */
    private void holder(int i, Interface.Param param) {
        Class<?> given = class_(i);
        boolean isArray = given.isArray() && !(param.kind() == Interface.Kind.STRUCT
                && Value.shape(param).kind == Shape.Kind.ARRAY);
        MethodHandle put = point(i, given), take;
        if (isArray) {
            Codec codec = Value.codec(library, param, given.getComponentType());
            MethodHandle first = MethodHandles.insertArguments(
                    MethodHandles.arrayElementGetter(given), 1, 0);
            MethodHandle set = MethodHandles.insertArguments(
                    MethodHandles.arrayElementSetter(given), 1, 0);
            if (param.goesIn())
                put = then(put, MethodHandles.filterArguments(at(codec.put(), layout.storage[i]),
                        1, first));
            take = swapped(MethodHandles.collectArguments(set, 1,
                    at(codec.get(), layout.storage[i])), given);
        } else {
            if (param.goesIn())
                put = then(put, at(Value.codec(library, param, given).put(), layout.storage[i]));
            take = at(filler(param, given), layout.storage[i]);
        }
        MethodHandle none = MethodHandles.dropArguments(clear(layout.cells[i]), 1, given);
        MethodHandle skip = MethodHandles.empty(MethodType.methodType(void.class, Frame.class,
                given));
        if (param.is(Interface.NULLABLE))
            put = MethodHandles.guardWithTest(isNull(given), none, put);
        add(before, i, put);
        add(after, i, MethodHandles.guardWithTest(isNull(given), skip, take));
    }

    private MethodHandle filler(Interface.Param param, Class<?> given) {
        if (param.kind() != Interface.Kind.STRUCT || given.isRecord())
            throw RhodesError.mismatch("%s cannot take what comes out of %s", given.getName(),
                    param.name());
        Shape shape = Value.shape(param);
        if (given.isArray())
            return MethodHandles.insertArguments(find("fillArray", void.class, MethodHandle.class,
                    Frame.class, int.class, Object.class), 0, Codec.of(shape, given).get()
                    .asType(MethodType.methodType(Object.class, Frame.class, int.class)))
                    .asType(MethodType.methodType(void.class, Frame.class, int.class, given));
        return StructCodec.filler(shape, given);
    }

    /** Bytes with their length. */
    private void bytes(int i, Interface.Param param) {
        Class<?> given = places[i] >= 0 ? class_(i) : null;
        int length = param.length();
        boolean isLengthGiven = length < places.length && places[length] >= 0;
        if (given == null) {
            room(i, param);
            results.add(blob(i, param));
            return;
        }
        if (given != byte[].class && given != ByteBuffer.class && !isNumbers(given, param))
            throw RhodesError.mismatch("%s cannot be bytes", given.getName());
        MethodHandle put = find(given == ByteBuffer.class ? "putBuffer" : given == byte[].class
                ? "putArray" : "putNumbers", long.class, Frame.class, boolean.class, boolean.class,
                given == byte[].class || given == ByteBuffer.class ? given : Object.class);
        put = MethodHandles.insertArguments(put, 1, param.goesIn(),
                param.is(Interface.NULLABLE)).asType(MethodType.methodType(long.class, Frame.class,
                given));
        // (Frame, T)void: the pointer, and the length where Java has none
        MethodHandle cell = MethodHandles.insertArguments(find("setLong", void.class, Frame.class,
                int.class, long.class), 1, layout.cells[i]);
        MethodHandle stored = MethodHandles.permuteArguments(
                MethodHandles.collectArguments(cell, 1, put),
                MethodType.methodType(void.class, Frame.class, given), 0, 0, 1);
        add(before, i, stored);
        MethodHandle size = MethodHandles.insertArguments(find("length", long.class, int.class,
                Object.class), 0, param.element()).asType(MethodType.methodType(long.class, given));
        if (!isLengthGiven && length < places.length)
            lengthOf(i, length, size, given);
        else if (isLengthGiven)
            checked(i, length, size, given);
        if (param.comesOut() && way == Way.RESULTS)
            results.add(blob(i, param));
        else if (param.comesOut())
            add(after, i, giveBack(i, param, given));
    }

    private static boolean isNumbers(Class<?> given, Interface.Param param) {
        Class<?> of = given.getComponentType();
        int size = of == short.class || of == char.class ? 2
                : of == int.class || of == float.class ? 4
                : of == long.class || of == double.class ? 8 : 0;
        return size > 0 && size == param.element();
    }

    /** Stores the length of the array where C has its length parameter. */
    private void lengthOf(int i, int length, MethodHandle size, Class<?> given) {
        Interface.Param param = function.params().get(length);
        boolean isPlaced = Layout.isPlaced(param);
        MethodHandle put = at(Codec.of(Value.shape(param), long.class).put(),
                isPlaced ? layout.storage[length] : layout.cells[length]);
        add(before, i, MethodHandles.filterArguments(put, 1, size));
    }

    /** The length that is told, or stands in an array of one, is not over that of the array. */
    private void checked(int i, int length, MethodHandle size, Class<?> given) {
        Class<?> type = class_(length);
        Class<?> number = type.isArray() ? type.getComponentType() : type;
        if (!number.isPrimitive() || number == boolean.class)
            throw RhodesError.mismatch("%s cannot be the length of %s", type.getName(),
                    function.params().get(i).name());
        MethodHandle told = MethodHandles.explicitCastArguments(type.isArray()
                ? MethodHandles.insertArguments(MethodHandles.arrayElementGetter(type), 1, 0)
                : MethodHandles.identity(number), MethodType.methodType(long.class, type));
        MethodHandle check = MethodHandles.filterArguments(find("fits", void.class, long.class,
                long.class), 0, told, size);
        int[] order = {places[length] + 1, places[i] + 1};
        before.add(MethodHandles.permuteArguments(check, all(void.class), order));
    }

    /** Room in the frame for bytes that are returned; their capacity is an argument. */
    private void room(int i, Interface.Param param) {
        MethodHandle room = MethodHandles.insertArguments(find("room", void.class, Frame.class,
                boolean.class, int.class, int.class, int.class, int.class), 1,
                isSigned(param.length()), layout.cells[i], lengthAt(param.length()),
                param.element(), widthOf(param.length()));
        rooms.add(spread(-1, room));
    }

    private int lengthAt(int index) {
        Interface.Param param = function.params().get(index);
        return Layout.isPlaced(param) ? layout.storage[index] : layout.cells[index];
    }

    private int widthOf(int index) {
        return Value.shape(function.params().get(index)).size;
    }

    private boolean isSigned(int index) {
        return function.params().get(index).kind() == Interface.Kind.INT;
    }

    /** (Frame)byte[]: what came out. */
    private Result blob(int i, Interface.Param param) {
        MethodHandle get = MethodHandles.insertArguments(find("blob", byte[].class, Frame.class,
                int.class, MethodHandle.class, int.class, boolean.class), 1, layout.cells[i],
                used(param), param.element(), false);
        return new Result(byte[].class, wanted -> get.asType(get.type().changeReturnType(wanted)));
    }

    /** (Frame, T)void: copies what came out into the array. */
    private MethodHandle giveBack(int i, Interface.Param param, Class<?> given) {
        return MethodHandles.insertArguments(find("giveBack", void.class, Frame.class, int.class,
                MethodHandle.class, int.class, Object.class), 1, layout.cells[i], used(param),
                param.element()).asType(MethodType.methodType(void.class, Frame.class, given));
    }

    /** (Frame)long: how many elements are used after the call. */
    private MethodHandle used(Interface.Param param) {
        if (param.used() == Interface.USED_RETURN)
            return at(Codec.of(Value.shape(function.result()), long.class).get(), layout.result);
        int index = param.used() < places.length ? param.used() : param.length();
        if (index >= places.length)
            return MethodHandles.dropArguments(MethodHandles.constant(long.class, 0L), 0,
                    Frame.class);
        Interface.Param length = function.params().get(index);
        return at(Codec.of(Value.shape(length), long.class).get(), lengthAt(index));
    }

    /** The function's own return value. */
    private Result own(Interface.Param result) {
        if (result.kind() == Interface.Kind.BYTES) {
            MethodHandle get = MethodHandles.insertArguments(find("blob", byte[].class, Frame.class,
                    int.class, MethodHandle.class, int.class, boolean.class), 1, layout.result,
                    used(result), result.element(), result.is(Interface.TRANSFER));
            return new Result(byte[].class,
                    wanted -> get.asType(get.type().changeReturnType(wanted)));
        }
        return new Result(Value.natural(result),
                wanted -> at(Value.codec(library, result, wanted).get(), layout.result));
    }

    private Result stored(int i, Interface.Param param) {
        return new Result(boxed(param), wanted -> {
            MethodHandle get = at(Value.codec(library, param, wanted).get(), layout.storage[i]);
            if (wanted.isPrimitive() || !param.is(Interface.NULLABLE))
                return get;
            MethodHandle isNull = MethodHandles.insertArguments(find("isClear", boolean.class,
                    Frame.class, int.class), 1, layout.cells[i]);
            return MethodHandles.guardWithTest(isNull, MethodHandles.dropArguments(
                    MethodHandles.constant(wanted, null), 0, Frame.class), get);
        });
    }

    // How the parts are put together.

    /** (Frame, P...)R of the whole call, then with a frame that is entered and left. */
    private MethodHandle assemble() {
        long plan = library.plan(function, layout);
        MethodHandle body = spreadResult(result());
        for (int i = after.size() - 1; i >= 0; i--)
            body = MethodHandles.foldArguments(body, after.get(i));
        body = MethodHandles.foldArguments(body, MethodHandles.insertArguments(find("call",
                void.class, Frame.class, long.class), 1, plan));
        for (int i = rooms.size() - 1; i >= 0; i--)
            body = MethodHandles.foldArguments(body, rooms.get(i));
        for (int i = before.size() - 1; i >= 0; i--)
            body = MethodHandles.foldArguments(body, before.get(i));
        MethodHandle leave = type.returnType() == void.class
                ? find("leave", void.class, Throwable.class, Frame.class)
                : MethodHandles.permuteArguments(MethodHandles.collectArguments(
                        MethodHandles.identity(type.returnType()), 1,
                        find("leave", void.class, Throwable.class, Frame.class)),
                        MethodType.methodType(type.returnType(), Throwable.class,
                                type.returnType(), Frame.class), 1, 0, 2);
        body = MethodHandles.tryFinally(body, leave);
        MethodHandle enter = MethodHandles.insertArguments(find("enter", Frame.class, int.class),
                0, layout.bytes);
        return MethodHandles.collectArguments(body, 0, enter);
    }

    /** (Frame)R */
    private MethodHandle result() {
        Class<?> wanted = type.returnType();
        if (wanted == void.class)
            return MethodHandles.empty(MethodType.methodType(void.class, Frame.class));
        if (results.isEmpty())
            throw RhodesError.mismatch("it returns nothing, not %s", wanted.getName());
        if (results.size() == 1)
            return results.get(0).make().apply(wanted);
        if (wanted == Object[].class) {
            Class<?>[] natural = results.stream().map(Result::natural).toArray(Class<?>[]::new);
            return several(MethodHandles.identity(Object[].class).asCollector(Object[].class,
                    natural.length).asType(MethodType.methodType(Object[].class, natural)));
        }
        if (!wanted.isRecord() || wanted.getRecordComponents().length != results.size())
            throw RhodesError.mismatch("it returns %d values, for which %s is no record",
                    results.size(), wanted.getName());
        Class<?>[] types = new Class<?>[results.size()];
        for (int i = 0; i < types.length; i++)
            types[i] = wanted.getRecordComponents()[i].getType();
        try {
            return several(MethodHandles.privateLookupIn(wanted, LOOKUP).findConstructor(wanted,
                    MethodType.methodType(void.class, types)));
        } catch (ReflectiveOperationException e) {
            throw RhodesError.mismatch("%s cannot be made: %s", wanted.getName(), e.getMessage());
        }
    }

    private MethodHandle several(MethodHandle collector) {
        MethodHandle made = collector;
        for (int i = results.size() - 1; i >= 0; i--)
            made = MethodHandles.collectArguments(made, i, results.get(i).make()
                    .apply(collector.type().parameterType(i)));
        return MethodHandles.permuteArguments(made,
                MethodType.methodType(collector.type().returnType(), Frame.class),
                new int[results.size()]);
    }

    private MethodType all(Class<?> result) {
        return type.insertParameterTypes(0, Frame.class).changeReturnType(result);
    }

    private MethodHandle spreadResult(MethodHandle get) {
        return MethodHandles.permuteArguments(get, all(type.returnType()), 0);
    }

    private void add(List<MethodHandle> list, int i, MethodHandle part) {
        list.add(spread(i, part));
    }

    /** (Frame)void or (Frame, T)void as (Frame, P...)void. */
    private MethodHandle spread(int i, MethodHandle part) {
        return part.type().parameterCount() == 1
                ? MethodHandles.permuteArguments(part, all(void.class), 0)
                : MethodHandles.permuteArguments(part, all(void.class), 0, places[i] + 1);
    }

    /** A codec's half at that offset. */
    private static MethodHandle at(MethodHandle half, int offset) {
        return MethodHandles.insertArguments(half, 1, offset);
    }

    private static MethodHandle then(MethodHandle first, MethodHandle second) {
        return MethodHandles.foldArguments(second, first);
    }

    /** (T, Frame)void as (Frame, T)void. */
    private static MethodHandle swapped(MethodHandle handle, Class<?> given) {
        return MethodHandles.permuteArguments(handle,
                MethodType.methodType(void.class, Frame.class, given), 1, 0);
    }

    /** Makes the parameter of C point at its storage. */
    private MethodHandle point(int i, Class<?> given) {
        MethodHandle point = MethodHandles.insertArguments(find("point", void.class, Frame.class,
                int.class, int.class), 1, layout.cells[i], layout.storage[i]);
        return given == null ? point : MethodHandles.dropArguments(point, 1, given);
    }

    private static MethodHandle clear(int cell) {
        return MethodHandles.insertArguments(find("setLong", void.class, Frame.class, int.class,
                long.class), 1, cell, 0L);
    }

    private static MethodHandle isNull(Class<?> given) {
        return MethodHandles.dropArguments(find("isNull", boolean.class, Object.class)
                .asType(MethodType.methodType(boolean.class, given)), 0, Frame.class);
    }

    private static MethodHandle find(String name, Class<?> result, Class<?>... parameters) {
        try {
            return LOOKUP.findStatic(Binder.class, name, MethodType.methodType(result, parameters));
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    // What the tree is made of.

    static Frame enter(int fixed) {
        return Frame.enter(fixed);
    }

    static void leave(Throwable thrown, Frame frame) {
        frame.leave();
    }

    static void call(Frame frame, long plan) {
        frame.call(plan);
    }

    static void point(Frame frame, int cell, int storage) {
        frame.memory.putLong(cell, frame.address + storage);
    }

    static void setLong(Frame frame, int cell, long value) {
        frame.memory.putLong(cell, value);
    }

    static boolean isNull(Object object) {
        return object == null;
    }

    static boolean isClear(Frame frame, int cell) {
        return frame.memory.getLong(cell) == 0;
    }

    static void fits(long told, long size) {
        if (told < 0 || told > size)
            throw new IndexOutOfBoundsException(told + " elements of " + size);
    }

    static long length(int element, Object given) {
        if (given == null)
            return 0;
        if (given instanceof ByteBuffer buffer)
            return buffer.remaining() / element;
        return given instanceof byte[] bytes ? bytes.length / element : Array.getLength(given);
    }

    static long putArray(Frame frame, boolean goesIn, boolean mayBeNull, byte[] bytes) {
        if (bytes == null && mayBeNull)
            return 0;
        return goesIn ? frame.put(bytes, 0) : frame.take(bytes.length);
    }

    /** Of a direct buffer C sees the memory itself. */
    static long putBuffer(Frame frame, boolean goesIn, boolean mayBeNull, ByteBuffer buffer) {
        if (buffer == null && mayBeNull)
            return 0;
        if (buffer.isDirect()) {
            frame.keep(buffer);
            return Native.address(buffer) + buffer.position();
        }
        byte[] bytes = new byte[buffer.remaining()];
        if (goesIn)
            buffer.duplicate().get(bytes);
        return putArray(frame, goesIn, false, bytes);
    }

    static long putNumbers(Frame frame, boolean goesIn, boolean mayBeNull, Object numbers) {
        return numbers == null && mayBeNull ? 0
                : putArray(frame, goesIn, false, Numbers.bytes(numbers, goesIn));
    }

    static void room(Frame frame, boolean isSigned, int cell, int at, int element, int width) {
        long count = width == 8 ? frame.memory.getLong(at) : width == 4 ? frame.memory.getInt(at)
                : width == 2 ? frame.memory.getShort(at) : frame.memory.get(at);
        if (!isSigned && width < 8)
            count &= (1L << width * 8) - 1;
        if (count < 0 || count > Integer.MAX_VALUE / element)
            throw new IllegalArgumentException("no room has " + count + " elements");
        frame.memory.putLong(cell, frame.take(count * element));
    }

    private static int usedBytes(Frame frame, MethodHandle used, int element) {
        try {
            long count = (long) used.invokeExact(frame);
            return (int) Math.min(Integer.MAX_VALUE, Math.max(0, count) * element);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    static byte[] blob(Frame frame, int cell, MethodHandle used, int element, boolean isOwn) {
        long pointer = frame.memory.getLong(cell);
        if (pointer == 0)
            return null;
        byte[] bytes = frame.bytes(pointer, usedBytes(frame, used, element));
        if (isOwn)
            Native.free(pointer);
        return bytes;
    }

    static void giveBack(Frame frame, int cell, MethodHandle used, int element, Object given) {
        if (given == null || given instanceof ByteBuffer buffer && buffer.isDirect())
            return;
        long pointer = frame.memory.getLong(cell);
        int length = (int) Math.min(usedBytes(frame, used, element),
                length(1, given) * (given instanceof byte[] || given instanceof ByteBuffer ? 1
                        : element));
        if (given instanceof byte[] bytes) {
            frame.read(pointer, bytes, 0, length);
            return;
        }
        byte[] bytes = frame.bytes(pointer, length);
        if (given instanceof ByteBuffer buffer)
            buffer.duplicate().put(bytes);
        else
            Numbers.fill(given, bytes);
    }

    static void fillArray(MethodHandle get, Frame frame, int at, Object given) throws Throwable {
        Object made = (Object) get.invokeExact(frame, at);
        System.arraycopy(made, 0, given, 0, Math.min(Array.getLength(made),
                Array.getLength(given)));
    }
}
