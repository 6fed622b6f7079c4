package rhodes;

/** Where the C objects of a function's parameters stand in a frame. */
final class Layout {
    final int[] cells;    // of the C object; for parameters by pointer that is the pointer
    final int[] storage;  // of what a parameter by pointer points at; -1: it is none
    final int result;
    final int bytes;      // all of it

    Layout(Interface.Function function) {
        int count = function.params().size(), at = Frame.HEAD;
        cells = new int[count];
        storage = new int[count];
        for (int i = 0; i < count; i++) {
            Interface.Param param = function.params().get(i);
            cells[i] = at;
            at += isPlaced(param) ? 8 : size(param);
            storage[i] = isPlaced(param) ? at : -1;
            at += isPlaced(param) ? size(param) : 0;
        }
        result = at;
        bytes = at + size(function.result());
    }

    /** C passes a pointer to the value, for which there is room in the frame. */
    static boolean isPlaced(Interface.Param param) {
        return param.is(Interface.POINTER) && param.kind() != Interface.Kind.BYTES;
    }

    /** Bytes of the value, rounded up. */
    static int size(Interface.Param param) {
        switch (param.kind()) {
        case VOID:
            return 0;
        case STRUCT:
            return param.size() + 15 & ~15;
        default:
            return 8;
        }
    }
}
