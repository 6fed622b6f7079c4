/* clang - Clang plugin: calls of an interface's functions become calls of its stubs.
 *
 *   clang -fplugin=.../clang/rhodes.so -fplugin-arg-rhodes-interface=libfoo/interface.txt
 *
 * The same as gcc/gcc.cc, on Clang's tree: each reference to a governed function is made
 * one to a declaration of the stub, before code is made of it. */
#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/Mangle.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Basic/Version.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendPluginRegistry.h"

#include "../governed.h"

#ifndef RH_BUILT_FOR
#define RH_BUILT_FOR CLANG_VERSION_STRING
#endif

using namespace clang;

namespace {

class Redirect : public RecursiveASTVisitor<Redirect> {
public:
	Redirect(CompilerInstance &compiler, const rh_governed &governed)
		: compiler(compiler), governed(governed) {}

	bool shouldVisitTemplateInstantiations() const { return true; }

	/* The body of a governed function itself is left alone. */
	bool TraverseFunctionDecl(FunctionDecl *function)
	{
		return is_governed(function) ||
		       RecursiveASTVisitor::TraverseFunctionDecl(function);
	}

	bool VisitDeclRefExpr(DeclRefExpr *reference)
	{
		auto *function = dyn_cast<FunctionDecl>(reference->getDecl());
		FunctionDecl *stub = function ? stub_of(function) : nullptr;

		if (stub)
			reference->setDecl(stub);
		return true;
	}

private:
	std::string symbol_of(const FunctionDecl *function) const
	{
		if (function->isDependentContext() || isa<CXXConstructorDecl>(function) ||
		    isa<CXXDestructorDecl>(function) || isa<CXXDeductionGuideDecl>(function))
			return "";
		/* static ones, too: GCC gives them their plain name there */
		if (function->isInExternCContext() && function->getIdentifier())
			return function->getName().str();
		return ASTNameGenerator(compiler.getASTContext()).getName(function);
	}

	bool is_governed(const FunctionDecl *function) const
	{
		return governed.find(symbol_of(function)) != nullptr;
	}

	void report(const FunctionDecl *function, const std::string &text)
	{
		DiagnosticsEngine &engine = compiler.getDiagnostics();

		engine.Report(function->getLocation(),
		              engine.getCustomDiagID(DiagnosticsEngine::Error, "rhodes: %0"))
			<< text;
	}

	bool fits(const FunctionDecl *function, const std::string &symbol, unsigned wanted)
	{
		if (function->isVariadic())
			report(function, "'" + symbol + "' takes any number of arguments, which no "
			       "call carries");
		else if (function->hasPrototype() && function->getNumParams() != wanted)
			report(function, "'" + symbol + "' has " +
			       std::to_string(function->getNumParams()) +
			       " parameters, in the interface it has " + std::to_string(wanted));
		else
			return true;
		return false;
	}

	FunctionDecl *make_stub(FunctionDecl *function, const std::string &symbol)
	{
		ASTContext  &context = compiler.getASTContext();
		std::string  name = RH_GOVERNED_STUB + symbol;
		DeclContext *place = context.getTranslationUnitDecl();
		FunctionDecl *stub = FunctionDecl::Create(
			context, place, SourceLocation(), SourceLocation(),
			DeclarationName(&context.Idents.get(name)), function->getType(),
			function->getTypeSourceInfo(), SC_Extern);
		SmallVector<ParmVarDecl *, 16> params;

		for (ParmVarDecl *param : function->parameters())
			params.push_back(ParmVarDecl::Create(
				context, stub, SourceLocation(), SourceLocation(),
				param->getIdentifier(), param->getType(), nullptr, SC_None, nullptr));
		stub->setParams(params);
		stub->addAttr(AsmLabelAttr::CreateImplicit(context, name, true));
		return stub;
	}

	FunctionDecl *stub_of(FunctionDecl *function)
	{
		std::string     symbol = symbol_of(function);
		const unsigned *params = governed.find(symbol);

		if (!params)
			return nullptr;
		auto known = stubs.find(symbol);
		if (known != stubs.end())
			return known->second;
		FunctionDecl *stub = fits(function, symbol, *params)
			? make_stub(function, symbol) : nullptr;
		stubs[symbol] = stub;
		return stub;
	}

	CompilerInstance                      &compiler;
	const rh_governed                     &governed;
	std::map<std::string, FunctionDecl *>  stubs;
};

class Consumer : public ASTConsumer {
public:
	Consumer(CompilerInstance &compiler, const rh_governed &governed)
		: governed(governed), redirect(compiler, this->governed) {}

	bool HandleTopLevelDecl(DeclGroupRef group) override
	{
		for (Decl *decl : group)
			redirect.TraverseDecl(decl);
		return true;
	}

private:
	rh_governed governed;
	Redirect    redirect;
};

class Action : public PluginASTAction {
protected:
	std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &compiler,
	                                               StringRef) override
	{
		return std::make_unique<Consumer>(compiler, governed);
	}

	bool ParseArgs(const CompilerInstance &compiler,
	               const std::vector<std::string> &arguments) override
	{
		const std::string key = "interface=";

		if (getClangFullVersion().find(RH_BUILT_FOR) == std::string::npos)
			return fail(compiler, "this plugin was built for Clang " RH_BUILT_FOR
			            ", and the compiler is " + getClangFullVersion());
		for (const std::string &argument : arguments) {
			if (argument.compare(0, key.size(), key) != 0)
				return fail(compiler, "there is no argument '" + argument +
				            "', but interface=FILE");
			if (!governed.read(argument.substr(key.size())))
				return fail(compiler, "'" + argument.substr(key.size()) +
				            "' names no function; it should be the 'interface.txt' of a "
				            "built interface");
		}
		if (governed.functions.empty())
			return fail(compiler, "'-fplugin-arg-rhodes-interface=FILE' is missing");
		return true;
	}

	ActionType getActionType() override { return AddBeforeMainAction; }

private:
	static bool fail(const CompilerInstance &compiler, const std::string &text)
	{
		DiagnosticsEngine &engine = compiler.getDiagnostics();

		engine.Report(engine.getCustomDiagID(DiagnosticsEngine::Error, "rhodes: %0"))
			<< text;
		return false;
	}

	rh_governed governed;
};

}

static FrontendPluginRegistry::Add<Action>
	added("rhodes", "calls of an interface's functions become calls of its stubs");
