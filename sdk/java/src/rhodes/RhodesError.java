package rhodes;

/** A governed call that failed, or something that Rhodes refused. */
public class RhodesError extends RuntimeException {
    private static final long serialVersionUID = 1;
    private static final int EPERM = 1, EACCES = 13, ETIMEDOUT = 110, ELAYER = 1001, ELOST = 1002,
            EGONE = 1003, ENOEDGE = 1004, EDOWN = 1005, EFUNC = 1006, EVERSION = 1009,
            EREVOKED = 1010, EIDENT = 1011, EINTERFACE = 1012, ENOCARRY = 1013, ERULE = 1018,
            ERAISED = 1019;
    static final int EINVAL = 22, EHANDLE = 1007;

    private final int code;
    private final boolean ran;

    RhodesError(int code, boolean ran, String message) {
        super(message);
        this.code = code;
        this.ran = ran;
    }

    /** The number of the error in model/errors.def, positive. */
    public int code() {
        return code;
    }

    /** Whether the call may have run; false: it certainly did not. */
    public boolean ran() {
        return ran;
    }

    /** The class that belongs to the code; texts are those of a callee that raised, or null. */
    static RhodesError of(int code, boolean ran, String message, String[] texts) {
        switch (code) {
        case ELOST: case EGONE: case EDOWN:
            return new RhodesLostError(code, ran, message);
        case ETIMEDOUT:
            return new RhodesTimeoutError(code, ran, message);
        case ELAYER: case ENOEDGE: case EREVOKED: case ERULE: case EIDENT: case EACCES: case EPERM:
            return new RhodesRefusedError(code, ran, message);
        case EFUNC: case EINTERFACE: case ENOCARRY: case EVERSION:
            return new RhodesInterfaceError(code, ran, message);
        case ERAISED:
            return texts == null ? new RhodesError(code, ran, message)
                    : new RhodesRaisedError(code, ran, texts[0], texts[1], texts[2], texts[3]);
        default:
            return new RhodesError(code, ran, message);
        }
    }

    static RhodesInterfaceError mismatch(String format, Object... words) {
        return new RhodesInterfaceError(EINTERFACE, false, String.format(format, words));
    }
}
